"""All mistakes by name: each entry is a name and a function from what was meant to what the mistake makes of it.

A family of mistakes is a file beside this one, and each of its functions, under ``@mistake(name)``, is one entry: it yields
nothing where the mistake cannot be made of this rule.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module
from typing import NamedTuple

from attnviz.analysis.diagnosis.recipe import Recipe


class Variant(NamedTuple):
    """One way to make a mistake; ``value`` is the number that it is made with."""

    recipe: Recipe
    value: float | None = None


class Fitted(NamedTuple):
    """A mistake with a number that is to be found.

    make    what the mistake gives with that number
    starts  where to look for it
    whole   whether it is a whole number, all of which are in ``starts``
    named   numbers that are a mistake of another name: the fit is not told where one of them explains as well
    """

    make: Callable[[float], Recipe]
    starts: tuple[float, ...]
    whole: bool = False


Variants = Callable[[Recipe], Iterator[Variant | Fitted]]


class Entry(NamedTuple):
    """A mistake.

    pairs      whether it is tried together with others, too
    all_heads  whether it is none where only some heads have it, as it is one of their order
    """

    name: str
    variants: Variants
    pairs: bool
    all_heads: bool = False


FAMILIES = (
    "scaling",
    "capping",
    "causality",
    "masks",
    "windows",
    "biases",
    "distances",
    "sinks",
    "heads",
    "layouts",
    "swaps",
    "rotations",
    "positions",
    "softmaxes",
    "tiles",
    "merging",
    "paging",
    "precision",
)
ENTRIES: dict[str, Entry] = {}
STATISTICAL = ("dropout",)  # found by what the differences look like (noise.py), as no number of it can be foretold


def mistake(name: str, pairs: bool = True, all_heads: bool = False) -> Callable[[Variants], Variants]:
    """Registers a function as the mistake ``name``; ``pairs=False`` where it is not tried together with others."""

    def register(variants: Variants) -> Variants:
        ENTRIES[name] = Entry(name, variants, pairs, all_heads)
        return variants

    return register


def entries() -> tuple[Entry, ...]:
    """All mistakes, in the order of the families."""
    for family in FAMILIES:
        import_module(f"attnviz.analysis.diagnosis.families.{family}")
    return tuple(ENTRIES.values())


def names() -> tuple[str, ...]:
    """The names of all mistakes."""
    return (*(one.name for one in entries()), *STATISTICAL)
