"""How every page is made: of its template, in the look that all of them share, and fetching nothing from anywhere."""

from __future__ import annotations

from importlib import resources
from typing import Any

import jinja2


def rendered(template: str, **values: Any) -> str:
    """The text of `template`, a file beside this one. Raises UndefinedError where it asks for other values."""
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(lambda name: resources.files(__package__).joinpath(name).read_text()),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
    )
    environment.filters |= {"thousands": "{:,}".format, "percent": "{:.2%}".format, "short": lambda digest: digest[:12]}
    return environment.get_template(template).render(**values)
