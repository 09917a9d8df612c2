"""Fonts for every token: DejaVu Sans, and what it lacks from the fonts of this machine."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

BASE = "DejaVu Sans"  # comes with matplotlib
PLACEHOLDER = "Last Resort"  # comes with matplotlib too: a box for every character there is
LIKELY = ("noto", "wenquanyi", "droid", "unifont", "symbola", "arial unicode", "hiragino", "yu gothic", "microsoft")


def families(texts: Iterable[str]) -> tuple[tuple[str, ...], str]:
    """The font families that together have the characters of ``texts``, and the characters that none has."""
    from matplotlib import font_manager

    wanted = {character for text in texts for character in text if not _invisible(character)}
    found = [BASE]
    wanted -= _characters(font_manager.findfont(BASE))
    for entry in sorted(font_manager.fontManager.ttflist, key=_likeliness) if wanted else ():
        if not wanted:
            break
        if entry.name in found or entry.style != "normal" or entry.name.startswith(PLACEHOLDER):
            continue
        covered = wanted & _characters(entry.fname)
        if covered:
            found.append(entry.name)
            wanted -= covered
    return tuple(found), "".join(sorted(wanted))


def _likeliness(entry):  # type: ignore[no-untyped-def]  # matplotlib's FontEntry
    """The broad families of many scripts first, regular weights first; the name settles ties, for the same bytes."""
    name = entry.name.lower()
    return (not name.startswith(LIKELY), entry.weight not in (400, "normal", "regular"), name, entry.fname)


def _characters(path: str) -> set[str]:
    from matplotlib.ft2font import FT2Font

    try:
        font = FT2Font(path)
        font.set_size(10, 72)  # a font of bitmaps in only one size (colour emoji) refuses
        return {chr(code) for code in font.get_charmap()}
    except (RuntimeError, OSError, ValueError):
        return set()


def _invisible(character: str) -> bool:
    """Joiners and variation selectors: they steer the shaping and need no glyph."""
    return character.isspace() or unicodedata.category(character) == "Cf" or "\ufe00" <= character <= "\ufe0f"
