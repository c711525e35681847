"""Values of a run.toml that check themselves, and what is said where one is wrong."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError, model_validator


def nearest(name: str, known: Iterable[str]) -> str:
    """Half a sentence that names the known word nearest to `name`, or all of them where none is near."""
    known = list(known)
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f"did you mean {close[0]!r}?" if close else f"known are {', '.join(known)}"


def describe(error: ValidationError) -> str:
    """A pydantic error as one line: each place with what is wrong there, five at most."""
    said = [
        f"{'.'.join(map(str, item['loc'])) or error.title}: {item['msg'].removeprefix('Value error, ')}"
        for item in error.errors(include_url=False, include_context=False, include_input=False)
    ]
    more = [f"and {len(said) - 5} more"] if len(said) > 5 else []
    return " ".join("; ".join([*said[:5], *more]).splitlines())


class Strict(BaseModel):
    """Frozen, finite, and of exactly these types: true is no 1. An unknown key is an error that names the nearest."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, strict=True)

    @model_validator(mode="before")
    @classmethod
    def _name_the_nearest_key(cls, values: Any) -> Any:
        if isinstance(values, Mapping):
            for key in values:
                if key not in cls.model_fields:
                    raise ValueError(f"unknown key {key!r}; {nearest(str(key), cls.model_fields)}")
        return values


# Neither TOML nor JSON knows a tuple. Not by Field(strict=False): whoever validates strictly overrides that.
LISTED = BeforeValidator(lambda value: tuple(value) if isinstance(value, list) else value)
