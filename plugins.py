"""What others add by name, without an edit here: activations, data sets, rules of labels and targets.

An installed package says so in its pyproject.toml; nothing of it is imported before its name is asked for, and every
process finds it, a dask worker too:

    [project.entry-points."bitneck.activations"]
    triangle = "my_package:triangle"

A decorator, `@bitneck.activation("triangle")`, makes the same known in this process only, as a notebook wants it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])
GROUPS = {
    "activation": "bitneck.activations",
    "data set": "bitneck.datasets",
    "labels rule": "bitneck.labels",
    "target": "bitneck.targets",
}
NAME = re.compile("[a-z0-9][a-z0-9_-]*")  # it becomes a folder's name


class PluginError(ValueError):
    """Something that was added, and that cannot be what it says it is."""


@cache
def _installed(group: str) -> dict[str, list[EntryPoint]]:
    """Entry points by name; the same package found twice on the path counts once."""
    found: dict[str, list[EntryPoint]] = {}
    for each in entry_points(group=group):
        if each not in found.setdefault(each.name, []):
            found[each.name].append(each)
    return found


class Plugins:
    """The functions of one kind, by name.

    what       the kind, one of GROUPS
    built_in   names that are taken
    """

    def __init__(self, what: str, built_in: Iterable[str]) -> None:
        self.what, self.group, self.built_in = what, GROUPS[what], frozenset(built_in)
        self.added: dict[str, Callable[..., Any]] = {}

    def names(self) -> tuple[str, ...]:
        """All that were added."""
        return tuple(sorted({*self.added, *_installed(self.group)} - self.built_in))

    def add(self, name: str) -> Callable[[F], F]:
        """A decorator: the function is known by `name` in this process; given again, the newer one counts.

        Raises PluginError for a name that is taken, or that is no word in small letters, digits, `-` and `_`.
        """
        self._check(name, "name it otherwise")

        def known(function: F) -> F:
            self.added[name] = function
            return function

        return known

    def origin(self, name: str) -> str:
        """Who added it: the package and its version, or `this process`."""
        if name in self.added:
            return "this process"
        return " and ".join(
            f"{each.dist.name} {each.dist.version}" for each in _installed(self.group)[name] if each.dist
        )

    def __contains__(self, name: object) -> bool:
        return name in self.names()

    def __getitem__(self, name: str) -> Callable[..., Any]:
        """Raises PluginError where two packages give this name, or where what it stands for cannot be imported."""
        if name in self.added:
            return self.added[name]
        first, *others = _installed(self.group)[name]
        place = f"{self.what} {name!r} of {self.origin(name)}"
        if others:
            raise PluginError(f"{place}: two packages give this name; uninstall one of them")
        self._check(name, f"{self.origin(name)} must name it otherwise")
        try:
            function = first.load()
        except (ImportError, AttributeError, SyntaxError) as error:
            raise PluginError(f"{place}: {first.value} cannot be imported, {error}; install the package anew") from None
        if not callable(function):
            raise PluginError(f"{place}: {first.value} is a {type(function).__name__}; a function is due there")
        return function

    def _check(self, name: str, way_out: str) -> None:
        if name in self.built_in:
            raise PluginError(f"{self.what} {name!r} is one of bitneck's own; {way_out}")
        if not NAME.fullmatch(name):
            raise PluginError(f"{self.what} {name!r}: a name is of small letters, digits, - and _; {way_out}")


def distributions() -> dict[str, str]:
    """Versions of the installed packages that add anything, by name."""
    found = (each for group in GROUPS.values() for points in _installed(group).values() for each in points)
    return {each.dist.name: each.dist.version for each in found if each.dist}
