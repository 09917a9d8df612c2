"""The colours of values, perceptual and safe for the colour-blind, without importing matplotlib: viridis, and around 0 from orange
(less) to blue (more), as the page has it."""

from __future__ import annotations

from typing import Any

from attnviz.errors import AttnvizError

SEQUENTIAL, DIVERGING = "viridis", "orange-blue"

# Seventeen stops of matplotlib's viridis (van der Walt and Smith 2015, CC0), from the smallest value to the largest.
VIRIDIS = (
    "440154", "48186a", "472d7b", "424086", "3b528b", "33638d", "2c728e", "26828e", "21918c",
    "1fa088", "28ae80", "3fbc73", "5ec962", "84d44b", "addc30", "d8e219", "fde725",
)  # fmt: skip
# Seven stops from the least to the most, 0 in the middle: ARMS.light of the page's script/colours.js, which a test holds beside them.
ORANGE_BLUE = ("8c3b12", "c9723c", "ecc3a3", "f4f3ef", "9dc6cb", "2d749b", "14264c")
LEVELS = 32  # as many shades as the eye tells apart side by side


def rgb(tint: float) -> tuple[int, int, int]:
    """The colour of a value between 0 and 1."""
    place = min(max(tint, 0.0), 1.0) * (len(VIRIDIS) - 1)
    low = min(int(place), len(VIRIDIS) - 2)
    first, second = _channels(VIRIDIS[low]), _channels(VIRIDIS[low + 1])
    red, green, blue = (round(a + (b - a) * (place - low)) for a, b in zip(first, second, strict=True))
    return red, green, blue


def dark(colour: tuple[int, int, int]) -> bool:
    """Whether white is easier to read on ``colour`` than black: its relative luminance (WCAG 2.1) is below 0.18."""
    red, green, blue = ((channel / 255) ** 2.2 for channel in colour)
    return bool(0.2126 * red + 0.7152 * green + 0.0722 * blue < 0.18)


def colour_map(name: str) -> Any:
    """matplotlib's colour map ``name``, or ``DIVERGING``; AttnvizError suggests what comes close."""
    import matplotlib

    if name == DIVERGING:
        from matplotlib.colors import LinearSegmentedColormap

        return LinearSegmentedColormap.from_list(DIVERGING, [f"#{stop}" for stop in ORANGE_BLUE])
    if name in matplotlib.colormaps:
        return matplotlib.colormaps[name]
    from difflib import get_close_matches

    close = get_close_matches(name, list(matplotlib.colormaps), n=3) or ["viridis", "magma", "cividis"]
    raise AttnvizError("there is no colour map {name!r}", "try {close}", name=name, close=", ".join(close))


def _channels(colour: str) -> tuple[int, int, int]:
    return int(colour[:2], 16), int(colour[2:4], 16), int(colour[4:], 16)
