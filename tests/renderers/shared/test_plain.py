"""Renderables as plain text."""

from __future__ import annotations

from rich.text import Text

from attnviz.renderers.shared.plain import plain


def test_nothing_is_coloured_folded_or_read_as_markup():
    assert plain(Text("[bold]x " * 200 + ":smile:", "red")) == "[bold]x " * 200 + ":smile:"
