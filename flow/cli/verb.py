"""What every verb shares: one-line errors and exit codes, and to whom it tells how much."""

from __future__ import annotations

import functools
import inspect
import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import numpy as np
import typer

from .console import app, told, wrong

Facts: TypeAlias = Mapping[str, Any]
PANEL = "What is told"
OPTIONS = {
    "as_json": Annotated[
        bool,
        typer.Option("--json", help="for a program: JSON on standard output, and nothing else", rich_help_panel=PANEL),
    ],
    "quiet": Annotated[bool, typer.Option("--quiet", "-q", help="nothing but errors", rich_help_panel=PANEL)],
    "verbose": Annotated[bool, typer.Option("--verbose", "-v", help="every step, and when", rich_help_panel=PANEL)],
    "log": Annotated[Path | None, typer.Option(help="a file to add all of it to", rich_help_panel=PANEL)],
}
DEFAULTS = {"as_json": False, "quiet": False, "verbose": False, "log": None}


class FailedError(Exception):
    """What was to be equal differs, or what was to work does not, and that has been said. `facts` as a verb returns."""

    def __init__(self, facts: Facts) -> None:
        super().__init__(facts)
        self.facts = facts


def verb(function: Callable[..., Facts | None]) -> Callable[..., Facts | None]:
    """Makes a command of it that exits with 0 (done), 1 (FailedError), 2 (a one-line error) or 130 (interrupt).

    What it returns is what --json prints. Errors of ours and of the operating system are said; any other is a bug and
    keeps its traceback. The function itself stays as it is: verbs call each other.
    """

    @functools.wraps(function)
    def command(**options: Any) -> None:
        as_json, quiet, verbose, log = (options.pop(name) for name in OPTIONS)
        try:
            with told(quiet or as_json, verbose, log):
                code, facts = _outcome(function, options)
        except OSError as error:  # of the log
            wrong("bitneck:", str(error))
            code, facts = 2, {"error": str(error)}
        if as_json:
            typer.echo(json.dumps({"verb": name, **facts}, default=_plain, indent=1))
        if code:
            raise typer.Exit(code)

    name = function.__name__.rstrip("_").replace("_", "-")
    own = inspect.signature(function, eval_str=True)
    added = [
        inspect.Parameter(option, inspect.Parameter.KEYWORD_ONLY, default=DEFAULTS[option], annotation=annotation)
        for option, annotation in OPTIONS.items()
    ]
    command.__signature__ = own.replace(parameters=[*own.parameters.values(), *added])  # type: ignore[attr-defined]
    command.__annotations__ = {**function.__annotations__, **OPTIONS}
    app.command(name)(command)
    return function


def _outcome(function: Callable[..., Facts | None], options: Mapping[str, Any]) -> tuple[int, Facts]:
    """The exit code, and what is known."""
    try:
        for path in _paths(options):
            try:
                str(path).encode()
            except UnicodeEncodeError:  # no page, no table and no script could name it
                return _refused(f"{os.fsencode(path)!r} is no name in UTF-8; give the folder or file another one")
        return 0, function(**options) or {}
    except FailedError as failed:
        return 1, failed.facts
    except KeyboardInterrupt:
        wrong("", "interrupted; what is finished is kept, and the same command goes on from there")
        return 130, {"error": "interrupted"}
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("torch", "brevitas"):
            raise
        return _refused(f"{error.name} is not installed here; `pip install 'bitneck[train]'` brings it")
    except (ValueError, OSError) as error:
        if not isinstance(error, OSError) and not type(error).__module__.startswith("bitneck."):
            raise
        return _refused(_in_words(error))


def _in_words(error: Exception) -> str:
    """A file's error of the operating system by its name first, and from where it was looked for."""
    if not isinstance(error, OSError) or not error.filename or not error.strerror:
        return str(error)
    path = os.fspath(error.filename)
    seen = "" if os.path.isabs(path) or not isinstance(error, FileNotFoundError) else f", seen from {Path.cwd()}"
    return f"{path}: {error.strerror[:1].lower()}{error.strerror[1:]}{seen}"


def _refused(message: str) -> tuple[int, Facts]:
    wrong("bitneck:", message)
    return 2, {"error": message}


def _paths(options: Mapping[str, Any]) -> Iterator[Path]:
    for value in options.values():
        yield from (each for each in (value if isinstance(value, list) else [value]) if isinstance(each, Path))


def _plain(value: object) -> Any:
    """For JSON: paths and verdicts as text, numbers of numpy as numbers."""
    if isinstance(value, np.generic):
        return value.item()
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    return str(value)
