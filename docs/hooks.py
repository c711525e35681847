"""What mkdocs calls while it builds: the page of run.toml is made of the models that check it, waveforms are
drawn, and the package, whose
root is the repository's, stands under its name where the reference looks for it.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

WAVEFORM = re.compile(r'^```wavedrom title="([^"]*)"\n(.*?)^```$', re.M | re.S)
MARK = "<!-- run.toml -->"
ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("export", "flow", "hw", "ib_analysis", "models", "plugins.py", "__init__.py")


def on_startup(**_: Any) -> None:
    package = ROOT / "build" / "package" / "bitneck"
    package.mkdir(parents=True, exist_ok=True)
    for room in ROOMS:
        if not (package / room).exists():
            (package / room).symlink_to(ROOT / room)


def on_page_markdown(markdown: str, **_: Any) -> str:
    return WAVEFORM.sub(_drawn, _with_run_toml(markdown))


def _drawn(block: re.Match[str]) -> str:
    """A waveform as a picture, on one line, which markdown leaves alone."""
    import wavedrom

    picture = wavedrom.render(block[2]).tostring()
    named = picture.replace("<svg ", f'<svg role="img" aria-label="waveform: {block[1]}" ', 1)
    return f'<div style="background:#fff;padding:.5em">{" ".join(named.split())}</div>'


def _with_run_toml(markdown: str) -> str:
    if MARK not in markdown:
        return markdown
    from bitneck.flow.config import from_preset
    from bitneck.flow.reference import commented

    return markdown.replace(MARK, f"```toml\n{commented(from_preset('tfc'))}```")
