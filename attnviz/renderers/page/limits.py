"""How much a page may hold, and from how many tokens on its maps are computed here."""

from __future__ import annotations

from dataclasses import dataclass

from attnviz.choices import PAGE_MEGABYTES

MEGABYTE = 1_000_000
BARE = 240_000  # bytes of a page without its arrays


@dataclass(frozen=True)
class Limits:
    """How much a page may hold.

    megabytes         of the whole page
    tokens            along one side of a map that a browser can hold pair by pair
    easy              bytes of base64: below it a page opens at once, and Q, K and V tell more than weights
    cells             across the map of a single pooled head
    cells_of_several  across each map, where several heads are pooled
    """

    megabytes: float = PAGE_MEGABYTES
    tokens: int = 4096
    easy: float = 8_000_000
    cells: int = 1024
    cells_of_several: int = 384

    @property
    def size(self) -> float:
        """Bytes of the whole page."""
        return self.megabytes * MEGABYTE

    @property
    def room(self) -> float:
        """Bytes of base64 that are left for the arrays."""
        return self.size - BARE


USUAL = Limits()
