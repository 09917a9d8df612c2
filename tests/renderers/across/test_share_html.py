"""The shares in a notebook: all that the table says, as HTML."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import pytest

import attnviz

TRACE = attnviz.trace_model("tiny", "the dogs near the tree")


@pytest.mark.parametrize("language", ["en", "vi"])
def test_it_says_what_the_table_says(language):
    found = attnviz.across(TRACE, "rollout", language=language)
    words = "".join("".join(ElementTree.fromstring(found._repr_html_()).itertext()).split())
    printed = "".join(character for character in "".join(str(found).split()) if character not in "│─┼")
    assert words == printed
