"""How much memory there is, asked before it is taken."""

from __future__ import annotations

import os

from attnviz.errors import AttnvizError


def require_memory(needed: int, what: str, hint: str) -> None:
    """Refuse ``what`` before it is allocated when its ``needed`` bytes exceed half of this machine's memory."""
    limit = _physical_memory() // 2
    if needed > limit:
        raise AttnvizError(
            f"{what} needs {_gibibytes(needed)} of memory, more than the {_gibibytes(limit)} it may take", hint
        )


def _physical_memory() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # Windows has no sysconf: a usual laptop's memory
        return 8 << 30


def _gibibytes(count: int) -> str:
    return f"{count / 2**30:,.1f} GiB"
