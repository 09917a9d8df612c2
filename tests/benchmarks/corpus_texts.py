"""Short texts of English as people write it, always the same: pieces of attnviz's own manual, each of its own length."""

from __future__ import annotations

import random
import re
from pathlib import Path

import attnviz

SHORTEST, LONGEST = 4, 42  # words: 5 to some 60 tokens


def texts(count: int) -> list[str]:
    """So many of them, no two alike."""
    words = _words()
    draw = random.Random(0)
    return [" ".join(words[start : start + size]) for start, size in _pieces(count, len(words), draw)]


def _pieces(count: int, words: int, draw: random.Random) -> list[tuple[int, int]]:
    """Where each begins, and how many words it has."""
    return [(draw.randrange(words - LONGEST), draw.randint(SHORTEST, LONGEST)) for _ in range(count)]


def _words() -> list[str]:
    """All words of the manual's prose."""
    manual = Path(attnviz.__file__).parent / "manual"
    prose = "\n".join(
        re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL) for page in sorted(manual.glob("*.md"))
    )
    return re.findall(r"[A-Za-z]+[.,;:]?", prose)
