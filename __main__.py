"""Where `bitneck` and `python -m bitneck` begin: an interrupt while the libraries are still loading is one line too."""

from __future__ import annotations

import sys


def main() -> None:
    try:
        from .cli import main as commands  # a second or two

        commands()
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(130)


if __name__ == "__main__":
    main()
