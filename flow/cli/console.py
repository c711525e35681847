"""How the command line speaks: verbs with one-line errors, progress bars, a line for what is done."""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from importlib import metadata
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from ...models.datasets import ENVIRONMENT

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",  # as rich markup, [hardware] in a help text would be a style and disappear
)
out = Console(highlight=False)
err = Console(stderr=True, highlight=False, soft_wrap=True)

EVERY_SECONDS = 10.0  # between lines in a log
CORES = os.cpu_count() or 1
DataDir = Annotated[Path | None, typer.Option(help=f"folder in which data sets lie; or the variable {ENVIRONMENT}")]


def _say_version(wanted: bool) -> None:
    if wanted:
        out.print(metadata.version("bitneck"))
        raise typer.Exit


@app.callback()
def bitneck(
    version: Annotated[bool, typer.Option("--version", callback=_say_version, is_eager=True, help="say it")] = False,
) -> None:
    """Train a one-bit network, turn it into RTL, prove it bit-exact, and see what each layer remembers."""


def verb(function: Callable[..., None]) -> Callable[..., None]:
    """A command that exits with 0 (done), 1 (hardware and software differ), 2 (a one-line error) or 130 (interrupt).

    Errors of ours and of the operating system are said; any other is a bug and keeps its traceback.
    """

    @functools.wraps(function)
    def wrapped(*arguments: object, **options: object) -> None:
        for path in _paths(options):
            try:
                str(path).encode()
            except UnicodeEncodeError:  # no page, no table and no script could name it
                refuse(f"{os.fsencode(path)!r} is no name in UTF-8; give the folder or file another one")
        try:
            function(*arguments, **options)
        except KeyboardInterrupt:
            err.print("interrupted; what is finished is kept, and the same command goes on from there")
            raise typer.Exit(130) from None
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] not in ("torch", "brevitas"):
                raise
            refuse(f"{error.name} is not installed here; `pip install 'bitneck[train]'` brings it")
        except (ValueError, OSError) as error:
            if not isinstance(error, OSError) and not type(error).__module__.startswith("bitneck."):
                raise
            refuse(str(error))

    app.command(function.__name__.rstrip("_").replace("_", "-"))(wrapped)
    return wrapped


def _paths(options: Mapping[str, object]) -> Iterator[Path]:
    for value in options.values():
        yield from (each for each in (value if isinstance(value, list) else [value]) if isinstance(each, Path))


def refuse(message: str) -> NoReturn:
    err.print(f"[bold red]bitneck:[/] {escape(message)}")
    raise typer.Exit(2) from None


def say(verb: str, what: str, where: Path | str) -> None:
    out.print(f"[bold]{verb:<9}[/] {escape(what)}  [dim]{escape(str(where))}[/]", soft_wrap=True)


@contextmanager
def bar(verb: str, every_seconds: float = EVERY_SECONDS, at_once: int = 1) -> Iterator[Callable[[int, int, str], None]]:
    """A progress bar that is gone when the work is done; what it yields is called with done, total, remark.

    Where stdout is no terminal, lines on stderr in its place, at most one in `every_seconds`.

    at_once   steps that are under way at the same time
    """
    if not out.is_terminal:
        yield _lines(verb, every_seconds, at_once)
        return
    columns = TextColumn(f"{verb:<9}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    remarks = TextColumn("{task.description}")
    with Progress(*columns, remarks, console=out, transient=True) as progress:
        task = progress.add_task("", total=None)
        yield lambda done, total, remark: progress.update(task, completed=done, total=total, description=remark)


def _lines(verb: str, every_seconds: float, at_once: int) -> Callable[[int, int, str], None]:
    """What remains is estimated from the steps that were done here: those before the first that is told of were not.

    When the first of several that began together is done, the others nearly are.
    """
    began = said = time.monotonic()
    before: int | None = None

    def tell(done: int, total: int, remark: str) -> None:
        nonlocal said, before
        before = max(done - 1, 0) if before is None else before
        now = time.monotonic()
        if now - said < every_seconds:
            return
        said = now
        left = (now - began) / max(done - before, min(at_once, total - before), 1) * (total - done)
        spent, remain = (timedelta(seconds=round(seconds)) for seconds in (now - began, left))
        about = f", about {remain} left" if done < total else ""
        err.print(escape(f"{verb:<9} {done:,} of {total:,} after {spent}{about}{f': {remark}' * bool(remark)}"))

    return tell
