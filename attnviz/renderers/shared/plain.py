"""Renderables as plain text, as they are printed into a pipe."""

from __future__ import annotations

import io
from typing import Any

from rich.console import Console

from attnviz.text.display import NATURAL_WIDTH


def plain(renderable: Any) -> str:
    """``renderable`` without colours, nothing folded."""
    text = io.StringIO()
    looks: dict[str, Any] = {"highlight": False, "emoji": False, "markup": False, "color_system": None}
    # In a notebook Rich would show it at once, whatever the file, and leave no text.
    Console(file=text, width=NATURAL_WIDTH, force_jupyter=False, **looks).print(renderable, end="")
    return text.getvalue()
