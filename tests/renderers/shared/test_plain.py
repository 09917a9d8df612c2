"""Renderables as plain text."""

from __future__ import annotations

import pytest
from rich import console
from rich.text import Text

from attnviz.renderers.shared.plain import plain


def test_nothing_is_coloured_folded_or_read_as_markup():
    assert plain(Text("[bold]x " * 200 + ":smile:", "red")) == "[bold]x " * 200 + ":smile:"


def test_a_notebook_gets_the_text_and_no_picture_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console, "_is_jupyter", lambda: True)
    assert console.Console().is_jupyter
    assert plain(Text("one")) == "one"
