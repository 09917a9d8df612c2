"""The table of heads in a notebook: all that it says on a terminal, as HTML."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import pytest

from attnviz import trace_model, trace_text
from attnviz.analysis.metrics import Metric
from attnviz.choices import Language
from attnviz.renderers.shared.plain import plain
from attnviz.renderers.stats.head_html import to_html
from attnviz.renderers.stats.head_table import to_renderable
from attnviz.text.lessons import lessons


def words(page):
    return "".join("".join(ElementTree.fromstring(page).itertext()).split())


def printed(statistics, sort, language):
    text = plain(to_renderable(statistics, sort, lessons(language)))
    return "".join(character for character in "".join(text.split()) if character not in "│─┼")


@pytest.mark.parametrize("language", Language)
def test_it_says_what_the_table_says(measured, language):
    for traces in ((), (trace_text("a b"), trace_text("a b a"))):
        statistics = measured(*traces)
        page = to_html(statistics, Metric.FIRST, lessons(language))
        assert words(page) == printed(statistics, Metric.FIRST, language)


def test_what_heads_are_called_stands_below(measured):
    statistics = measured(trace_model("tiny", "the cat near the tree is new . the cat near the tree is new"))
    assert words(to_html(statistics, None)) == printed(statistics, None, Language.EN)
