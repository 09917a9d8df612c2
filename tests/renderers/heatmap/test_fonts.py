"""Fonts for every token: which fonts are taken, and which characters none has."""

from __future__ import annotations

import numpy
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from matplotlib import font_manager

from attnviz import Layer, Trace
from attnviz.renderers.heatmap.figure import draw, save
from attnviz.renderers.heatmap.fonts import families
from attnviz.renderers.heatmap.picture import decide
from attnviz.trace.selection import select


@pytest.fixture
def add_font(tmp_path, monkeypatch):
    """add_font(name, characters): a font of boxes; beside those that were added there is DejaVu alone."""
    dejavu = [entry for entry in font_manager.fontManager.ttflist if "mpl-data" in entry.fname]
    only = [entry for entry in dejavu if entry.name == "DejaVu Sans"]
    assert only
    monkeypatch.setattr(font_manager.fontManager, "ttflist", only)

    def add(name: str, characters: str, style: str = "normal", weight: int = 400) -> None:
        path = tmp_path / f"{name}-{style}-{weight}.ttf"
        build_font(path, name, characters)
        only.append(font_manager.FontEntry(fname=str(path), name=name, style=style, weight=weight, size="scalable"))

    return add


def build_font(path, name, characters):
    pen = TTGlyphPen(None)
    pen.moveTo((50, 0))
    pen.lineTo((50, 700))
    pen.lineTo((950, 700))
    pen.lineTo((950, 0))
    pen.closePath()
    names = [f"box{place}" for place in range(len(characters))]
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder([".notdef", *names])
    builder.setupCharacterMap({ord(character): glyph for character, glyph in zip(characters, names, strict=True)})
    builder.setupGlyf(dict.fromkeys([".notdef", *names], pen.glyph()))
    builder.setupHorizontalMetrics(dict.fromkeys([".notdef", *names], (1000, 50)))
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": name, "styleName": "Regular"})
    builder.setupOS2()
    builder.setupPost()
    builder.save(path)


def taken(*texts):
    found, missing = families(texts)
    return list(found), missing


def figure_of(*tokens):
    array = numpy.eye(len(tokens))
    trace = Trace(tokens, (Layer(array, array, array),))
    return draw(decide(trace, select(trace)))


def test_latin_needs_no_other_font(add_font):
    add_font("Noto Everything", "abcé")
    assert taken("abc", "việc nghiêng Đường", "−∞ ↓ ᵀ ·…") == (["DejaVu Sans"], "")


@pytest.mark.usefixtures("add_font")
def test_characters_that_no_font_has_are_told_each_once():
    assert taken("日本日", "a本") == (["DejaVu Sans"], "日本")


def test_a_font_that_has_the_character_is_found(add_font):
    add_font("Tiny Kanji", "日")
    assert taken("日", "a") == (["DejaVu Sans", "Tiny Kanji"], "")
    assert taken("日本") == (["DejaVu Sans", "Tiny Kanji"], "本")


def test_several_fonts_may_be_needed(add_font):
    add_font("Tiny Kanji", "日")
    add_font("Tiny Hangul", "한")
    found, missing = taken("日한")
    assert (sorted(found), missing) == (["DejaVu Sans", "Tiny Hangul", "Tiny Kanji"], "")


def test_a_broad_regular_font_is_preferred(add_font):
    add_font("Aardvark", "日")
    add_font("Noto Sans Test", "日", weight=900)
    add_font("Noto Serif Test", "日")
    assert taken("日")[0] == ["DejaVu Sans", "Noto Serif Test"]


def test_a_slanted_font_is_not_taken(add_font):
    add_font("Leaning", "日", style="italic")
    assert taken("日") == (["DejaVu Sans"], "日")


def test_a_font_that_cannot_be_read_is_passed_over(add_font, tmp_path):
    add_font("Noto Broken", "日")
    (tmp_path / "Noto Broken-normal-400.ttf").write_bytes(b"no font at all")
    add_font("Whole", "日")
    assert taken("日") == (["DejaVu Sans", "Whole"], "")


@pytest.mark.parametrize("invisible", ["\u200d", "\ufe0f", "\u2066", "\U000e0067", " ", "\t", "\u3000"])
@pytest.mark.usefixtures("add_font")
def test_what_has_no_shape_needs_no_font(invisible):
    assert taken(f"a{invisible}b") == (["DejaVu Sans"], "")


@pytest.mark.parametrize("form", ["png", "svg", "pdf"])
@pytest.mark.usefixtures("add_font")
@pytest.mark.some(2)
def test_missing_characters_are_told_once_and_warn_of_nothing(form):
    figure, missing = figure_of("日", "本日", "a")
    assert missing == "日本"
    assert len(save(figure, form)) > 1000


@pytest.mark.parametrize("form", ["png", "svg", "pdf"])
@pytest.mark.some(2)
def test_a_character_of_another_font_is_drawn_with_it(add_font, form):
    add_font(f"Tiny Kanji {form}", "日")
    figure, missing = figure_of("日", "a")
    assert missing == ""
    assert len(save(figure, form)) > 1000
