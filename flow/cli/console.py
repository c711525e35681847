"""How the command line speaks: a line for what is done, steps and bars while it is done; and all of it into a log."""

from __future__ import annotations

import io
import logging
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from datetime import timedelta
from importlib import metadata
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from typer.core import TyperGroup

from ...models.datasets import ENVIRONMENT

UsageError: Any = typer.BadParameter.__mro__[1]  # typer has no public name for what it raises


class _Verbs(TyperGroup):
    """Says a mistake in the words themselves as any other: in one line."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        try:
            code = super().main(args, prog_name, complete_var, False, windows_expand_args, **extra)
        except UsageError as error:
            if not standalone_mode:
                raise
            if type(error).__name__ != "NoArgsIsHelpError":  # which has shown the help
                said = error.format_message().replace("Value error, ", "").replace(". Did", "; did").rstrip(".?")
                where = getattr(getattr(error, "ctx", None), "command_path", "bitneck")
                wrong(
                    "bitneck:", f"{said[:1].lower()}{' '.join(said[1:].split())}; `{where} --help` says what there is"
                )
            sys.exit(2)
        return sys.exit(code if isinstance(code, int) else 0) if standalone_mode else code


app = typer.Typer(
    cls=_Verbs,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",  # as rich markup, [hardware] in a help text would be a style and disappear
)
out = Console(highlight=False)
err = Console(stderr=True, highlight=False, soft_wrap=True)
LOG = logging.getLogger("bitneck")  # INFO: what is done; DEBUG: its steps; ERROR: what is wrong
LOG.setLevel(logging.DEBUG)
LOG.propagate = False
LOG.addHandler(logging.NullHandler())

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


class _Steps(logging.Handler):
    """Each step as a line on standard error, and the seconds since the command began."""

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno == logging.DEBUG:
            err.print(f"[dim]{record.relativeCreated / 1000:8.1f} s[/]  {escape(record.getMessage())}")


@contextmanager
def told(quiet: bool, verbose: bool, log: Path | None) -> Iterator[None]:
    """How much is told, while it lasts. Raises OSError where the log cannot be written."""
    handlers: list[logging.Handler] = [_Steps()] if verbose else []
    if log is not None:
        file = logging.FileHandler(log, encoding="utf-8")
        file.setFormatter(logging.Formatter("%(asctime)s %(levelname)-5s %(message)s"))
        handlers.append(file)
    for handler in handlers:
        LOG.addHandler(handler)
    out.quiet = quiet
    try:
        yield
    finally:
        out.quiet = False
        for handler in handlers:
            LOG.removeHandler(handler)
            handler.close()


def say(verb: str, what: str, where: Path | str = "") -> None:
    """What is done, and where it lies."""
    LOG.info("%s: %s  %s", verb, what, where)
    out.print(f"[bold]{verb:<9}[/] {escape(what)}  [dim]{escape(str(where))}[/]", soft_wrap=True)


def show(what: str | Table) -> None:
    """A table, or text of several lines."""
    shown = escape(what) if isinstance(what, str) else what
    out.print(shown, soft_wrap=True)
    text = io.StringIO()
    Console(file=text, width=200).print(shown, soft_wrap=True)
    LOG.info("%s", text.getvalue().rstrip())


def wrong(kind: str, what: str) -> None:
    """What is not as it should be, on standard error."""
    LOG.error("%s %s", kind, what)
    err.print(f"[bold red]{kind}[/] {escape(what)}" if kind else escape(what))


@contextmanager
def step(verb: str, doing: str = "") -> Iterator[Callable[[str], None]]:
    """A line that turns while the work goes on, and then is gone; what it yields is told each step."""
    verbose = any(isinstance(handler, _Steps) for handler in LOG.handlers)
    with nullcontext() if verbose else out.status(verb) as status:

        def tell(what: str) -> None:
            LOG.debug("%s: %s", verb, what)
            if status is not None:
                status.update(escape(f"{verb}: {what}"))

        if doing:
            tell(doing)
        yield tell


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

    When the first of several that began together is done, the others nearly are. Where the total becomes another, so do
    the steps, and how long those before it took says nothing of them.
    """
    began = said = since = last = time.monotonic()
    before, of = 0, -1

    def tell(done: int, total: int, remark: str) -> None:
        nonlocal said, since, last, before, of
        if total != of:
            since, before, of = last, max(done - 1, 0), total
        last = now = time.monotonic()
        if now - said < every_seconds:
            return
        said = now
        left = (now - since) / max(done - before, min(at_once, total - before), 1) * (total - done)
        spent, remain = (timedelta(seconds=round(seconds)) for seconds in (now - began, left))
        about = f", about {remain} left" if done < total else ""
        line = f"{verb:<9} {done:,} of {total:,} after {spent}{about}{f': {remark}' * bool(remark)}"
        LOG.info("%s", line)
        if not out.quiet:
            err.print(escape(line))

    return tell
