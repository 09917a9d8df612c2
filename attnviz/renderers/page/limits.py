"""How much a page may hold, and from how many tokens on its maps are computed here."""

from __future__ import annotations

from dataclasses import dataclass

from attnviz.choices import PAGE_MEGABYTES
from attnviz.renderers.page.bundle import scripts, styles

MEGABYTE = 1_000_000
MESSAGES = 26_000  # bytes of a page's messages, those of the other language packed, and of what frames them


@dataclass(frozen=True)
class Limits:
    """How much a page may hold.

    megabytes         of the whole page
    tokens            along one side of a map that a browser can hold pair by pair
    exact_part        of the page, that Query, Key and Value may take in the trace's own numbers, or in single precision;
                      16 bits a number are a half of the latter, and open as much sooner
    computed_part     of the page, that Query, Key and Value may take in any numbers
    cells             across the map of a single pooled head
    cells_of_several  across each map, where several heads are pooled
    """

    megabytes: float = PAGE_MEGABYTES
    tokens: int = 4096
    exact_part: float = 0.2
    computed_part: float = 1.0
    cells: int = 1024
    cells_of_several: int = 384

    @property
    def size(self) -> float:
        """Bytes of the whole page."""
        return self.megabytes * MEGABYTE

    @property
    def room(self) -> float:
        """Bytes of base64 that are left for the arrays."""
        return self.size - bare_size()

    @property
    def easy(self) -> float:
        """Bytes of base64 that arrays in exact numbers may take."""
        return min(self.size * self.exact_part, self.computed_room)

    @property
    def computed_room(self) -> float:
        """Bytes of base64 that Query, Key and Value may take."""
        return self.room * self.computed_part


USUAL = Limits()


def bare_size() -> int:
    """Bytes of a page without its arrays: its script, its styles and its messages."""
    return len(scripts()) + len(styles()) + MESSAGES
