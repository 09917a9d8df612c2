"""The lists of tokens that a page holds, each different one once: layers of one text share theirs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from attnviz.renderers.page.patches import patch_grid
from attnviz.renderers.shared.labels import name
from attnviz.text.display import shown


class TokenLists:
    """Lists of tokens, each different one once."""

    def __init__(self) -> None:
        self.lists: list[dict[str, Any]] = []
        self._indices: dict[tuple[Any, ...], int] = {}

    def add(self, tokens: Sequence[str], special: Sequence[int]) -> int:
        """The place of ``tokens`` among the lists. ``names`` holds those that a sentence names shorter."""
        key = tuple(tokens), tuple(special)
        if key not in self._indices:
            labels = [shown(token) for token in tokens]
            short = {place: name(token) for place, token in enumerate(tokens) if name(token) != labels[place]}
            self._indices[key] = self._append(labels, short, special)
            if (grid := patch_grid(tokens)) is not None:
                self.lists[-1]["grid"] = grid
        return self._indices[key]

    def add_labels(self, labels: list[str]) -> int:
        """The place of labels that are shown, and named in a sentence, as they are."""
        key = tuple(labels), None
        if key not in self._indices:
            self._indices[key] = self._append(labels, {}, [])
        return self._indices[key]

    def _append(self, labels: list[str], names: dict[int, str], special: Sequence[int]) -> int:
        self.lists.append({"labels": labels, "names": names, "special": list(special)})
        return len(self.lists) - 1
