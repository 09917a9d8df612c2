"""How light a colour is to the eye."""

from __future__ import annotations


def luminance(colour):
    """WCAG 2.1, relative luminance."""
    shares = [channel / 255 for channel in colour]
    linear = [share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
