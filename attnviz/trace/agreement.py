"""How far what was recomputed is from what a model computed itself."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from attnviz.text.message import Message


class Agreement(NamedTuple):
    """How far recomputed outputs are from the model's own, in parts of a head's largest output.

    largest_error    over all layers that were captured; None where it is unknown
    checked_queries  how many queries of each layer were compared; None where it is unknown
    errors           of each layer, by its title
    queries          how many there are; None where it is unknown
    """

    largest_error: float | None = None
    checked_queries: int | None = None
    errors: Mapping[str, float] = {}
    queries: int | None = None

    def facts(self) -> dict[str, Any]:
        """By name, as a source holds them; ``queries`` only where it is known."""
        known = self._asdict()
        return known if self.queries is not None else {name: known[name] for name in known if name != "queries"}

    @property
    def sampled(self) -> str:
        """One line that says how many queries were compared, where that is not each; else ""."""
        if self.checked_queries is None or self.queries is None or self.checked_queries >= self.queries:
            return ""
        return Message(
            "{checked:,} of {queries:,} queries of each head were compared; --verify all compares each",
            checked=self.checked_queries,
            queries=self.queries,
        )


def read_agreement(said: Any) -> Agreement:
    """What a source says of it; what it does not say, or wrongly, is unknown."""
    if not isinstance(said, Mapping):
        return Agreement()
    errors = said.get("errors")
    numbers = {title: _number(error) for title, error in errors.items()} if isinstance(errors, Mapping) else {}
    checked, queries = (
        one if isinstance(one := said.get(name), int) else None for name in ("checked_queries", "queries")
    )
    known = {title: error for title, error in numbers.items() if error is not None}
    return Agreement(_number(said.get("largest_error")), checked, known, queries)


def exactness(model: str, error: float | None) -> str:
    """One line that says of which model the numbers are, and how exactly; "" where either is unknown."""
    if not model or error is None:
        return ""
    if not error:
        return Message("{model}, recomputed with no difference from its own outputs", model=model)
    return Message("{model}, recomputed to within {error:.1e} of its own outputs", model=model, error=error)


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None
