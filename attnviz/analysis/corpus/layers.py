"""The layers of statistics by their titles: those of both where two are merged, and how they are named in a file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol, TypeVar

from attnviz.text.message import Message
from attnviz.trace.schema import COUNT, TEXT, Kind, list_of, object_of

HEADS = list_of(COUNT, Message("a list of heads, each once"))
HEADS = HEADS._replace(fits=lambda value: isinstance(value, list) and _differ(map(str, value)))
LAYER = object_of({"title": TEXT, "number": COUNT, "heads": HEADS}, "title", "number", "heads")
LAYERS: Kind = list_of(LAYER, Message("a list of layers, each once"))
LAYERS = LAYERS._replace(
    fits=lambda value: (
        isinstance(value, list) and _differ(str(one.get("title")) for one in value if isinstance(one, dict))
    )
)


def _differ(words: Iterable[str]) -> bool:
    given = list(words)
    return len(set(given)) == len(given)


class Mergeable(Protocol):
    """What is known of a layer after some texts."""

    def merged(self: Known, other: Known) -> Known:
        """The texts of both."""


class OfLayer(Protocol):
    """What is known of the selected heads of one layer."""

    @property
    def number(self) -> int:
        """Of the layer."""

    @property
    def heads(self) -> tuple[int, ...]:
        """The numbers of the heads."""


Known = TypeVar("Known", bound=Mergeable)


def both_of(mine: Mapping[str, Known], theirs: Mapping[str, Known]) -> dict[str, Known]:
    """The layers of both, in the order of the one that has more."""
    titles = dict.fromkeys((*mine, *theirs) if len(mine) >= len(theirs) else (*theirs, *mine))
    return {
        title: mine[title].merged(theirs[title]) if title in mine and title in theirs else {**mine, **theirs}[title]
        for title in titles
    }


def layers_record(layers: Mapping[str, OfLayer]) -> list[dict[str, Any]]:
    """Which layers and heads there are, as JSON holds it."""
    return [{"title": title, "number": layer.number, "heads": list(layer.heads)} for title, layer in layers.items()]
