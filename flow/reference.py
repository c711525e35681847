"""What a run.toml may say, by the models that check it: a commented file to start from, and a JSON schema."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

import tomli_w

from .config import SECTIONS, RunConfig

WIDTH = 100  # of a line


def schema() -> dict[str, Any]:
    """The JSON schema of a run.toml, for editors."""
    return RunConfig.model_json_schema() | {"$schema": "https://json-schema.org/draft/2020-12/schema"}


def commented(config: RunConfig) -> str:
    """A run.toml that says what `config` says, with every field there is: its meaning, range and default.

    A field at its default stands there as a comment, so that what the file sets is what it needs.
    """
    whole, said = schema(), config.model_dump(mode="json")
    tables = [key for key in SECTIONS if isinstance(said.get(key), Mapping)]
    lines = ["# bitneck run.toml. A line that begins with # is at its default; what is asked for is all that counts."]
    for key, field in whole["properties"].items():
        if key not in tables:
            lines += ["", *_field(key, field, said[key], required=True)]
    for table in tables:
        of = whole["$defs"][whole["properties"][table]["$ref"].rpartition("/")[2]]
        lines += ["", "", f"[{table}]", *_comment(of["description"])]
        for key, field in of["properties"].items():
            value = said[table].get(key, field.get("default"))
            lines += ["", *_field(key, field, value, key in of.get("required", ()), table)]
            for name, item in _items(whole, field).items():
                lines += _comment(f"{name} = … in one of them: {item['description']} ({allowed(item)})")
    return "\n".join(lines) + "\n"


def _items(whole: Mapping[str, Any], field: Mapping[str, Any]) -> Mapping[str, Any]:
    """The fields of a table of which this field holds a list."""
    name = field.get("items", {}).get("$ref", "").rpartition("/")[2]
    return whole["$defs"][name]["properties"] if name else {}


def _field(key: str, field: Mapping[str, Any], value: Any, required: bool, table: str = "") -> Iterator[str]:
    default = field.get("default")
    remarks = "; ".join(filter(None, [allowed(field), "" if default is None else f"default {_toml(default)}"]))
    yield from _comment(f"{field['description']}{f' ({remarks})' if remarks else ''}")
    if isinstance(value, Mapping):
        yield f"[{table}.{key}]"
        yield from (f"{name} = {_toml(each)}" for name, each in value.items())
    elif _is_table(field):
        yield f"# [{table}.{key}]"
    elif value is None:
        yield f"# {key} ="
    else:
        yield f"{'' if required or value != default else '# '}{key} = {_toml(value)}"


def allowed(field: Mapping[str, Any]) -> str:
    """What a field may be, in a few words: `tanh, relu`; `whole number, 1 and more`; `number, 0 … below 1`."""
    options = [each for each in field.get("anyOf", [field]) if each.get("type") != "null"]
    choices = field.get("examples") or [choice for each in options for choice in each.get("enum", ())]
    if choices:
        return ", ".join(choices)
    (kind,) = options
    if kind.get("type") in ("integer", "number"):
        word = "whole number" if kind["type"] == "integer" else "number"
        low = f"{kind['minimum']:g}" if "minimum" in kind else f"above {kind['exclusiveMinimum']:g}"
        high = f"{kind['maximum']:g}" if "maximum" in kind else f"below {kind.get('exclusiveMaximum', 0):g}"
        bounded = "maximum" in kind or "exclusiveMaximum" in kind
        return f"{word}, {low} … {high}" if bounded else f"{word}, {low}{' and more' if 'minimum' in kind else ''}"
    if kind.get("type") == "array":
        of = kind.get("items", {})
        what = "tables" if "$ref" in of else "names" if of.get("type") == "string" else "whole numbers"
        return f"{what}, {kind['minItems']} and more" if "minItems" in kind else what
    return {"boolean": "true, false", "object": "a table by layer"}.get(kind.get("type", ""), "")


def _is_table(field: Mapping[str, Any]) -> bool:
    return any(each.get("type") == "object" for each in field.get("anyOf", [field]))


def _comment(text: str) -> list[str]:
    paragraphs = (textwrap.wrap(" ".join(each.split()), WIDTH - 2) for each in text.split("\n\n"))
    return [f"# {line}" for lines in paragraphs for line in lines]


def _toml(value: Any) -> str:
    return (
        tomli_w.dumps({"x": value})
        .strip()
        .removeprefix("x = ")
        .replace("[\n    ", "[")
        .replace(",\n]", "]")
        .replace(",\n    ", ", ")
    )
