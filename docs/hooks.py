"""What mkdocs calls while it builds: the page of run.toml is made of the models that check it, and the package, whose
root is the repository's, stands under its name where the reference looks for it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

MARK = "<!-- run.toml -->"
ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("export", "flow", "hw", "ib_analysis", "models", "__init__.py")


def on_startup(**_: Any) -> None:
    package = ROOT / "build" / "package" / "bitneck"
    package.mkdir(parents=True, exist_ok=True)
    for room in ROOMS:
        if not (package / room).exists():
            (package / room).symlink_to(ROOT / room)


def on_page_markdown(markdown: str, **_: Any) -> str:
    if MARK not in markdown:
        return markdown
    from bitneck.flow.config import from_preset
    from bitneck.flow.reference import commented

    return markdown.replace(MARK, f"```toml\n{commented(from_preset('tfc'))}```")
