"""The roles in a notebook: all that the table says, as HTML."""

from __future__ import annotations

from dataclasses import replace
from html.parser import HTMLParser

import pytest
from made_roles import made_role, made_roles

from attnviz.choices import Language
from attnviz.renderers.roles.role_html import COLOURS, OTHER, to_html
from attnviz.renderers.roles.role_table import to_text
from attnviz.trace.roles import Verdict


class Text(HTMLParser):
    """The words of a page, and its tags as they open and close."""

    def __init__(self, page):
        super().__init__()
        self.words, self.open = [], []
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag, _attributes):
        self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


def squeezed(text):
    return "".join(text.replace("·", "").split())


@pytest.mark.parametrize("language", Language)
def test_it_says_what_the_table_says(language):
    found = replace(made_roles(), language=language)
    assert squeezed("".join(Text(to_html(found)).words)) == squeezed(to_text(found))
    assert found._repr_html_() == to_html(found)


@pytest.mark.parametrize("verdict", [*Verdict, None])
def test_a_verdict_has_its_colour(verdict):
    found = made_roles(made_role(verdict=verdict))
    assert f"color: {COLOURS.get(verdict, OTHER)}" in to_html(found)


def test_a_model_with_a_hostile_name_is_text():
    assert "&lt;img" in to_html(replace(made_roles(), model="<img src=x>"))
