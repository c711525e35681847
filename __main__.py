"""Where `bitneck` and `python -m bitneck` begin: an interrupt while libraries are still loading is one line too."""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType


def main() -> None:
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, _interrupt)
    try:
        from .flow.cli.verbs import main as commands  # a second

        commands()
    except KeyboardInterrupt:  # between the imports and the verb, which says so itself
        print("interrupted", file=sys.stderr)
        sys.exit(130)


def _interrupt(_: int, frame: FrameType | None) -> None:
    """KeyboardInterrupt; but at once where a module is being imported, for some swallow what their imports raise.

    Nothing is lost by that: files are written whole, and no import stands between.
    """
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            os.write(2, b"interrupted\n")
            os._exit(130)
        frame = frame.f_back
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
