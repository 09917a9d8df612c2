"""A difference in a notebook."""

from __future__ import annotations

from dataclasses import replace
from html.parser import HTMLParser

from attnviz import diff
from attnviz.renderers.difference.fragment import to_fragment


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.tags, self.text = [], set(), ""

    def handle_starttag(self, tag, _):
        self.tags.add(tag)
        if tag != "br":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def parsed(html):
    tags = Tags()
    tags.feed(html)
    assert tags.open == []
    return tags


def test_all_that_is_told_stands_in_one_element(words):
    tags = parsed(to_fragment(words))
    assert tags.tags == {"div", "p", "strong", "br", "span", "table", "tr", "th", "td"}
    assert "only on the left: cat @1, the @4" in tags.text
    assert words._repr_html_() == to_fragment(words)


def test_a_token_is_text(rules):
    tokens = ("<script>alert(1)</script>", "&amp;", '"', "'", "<b>", "x")
    traces = [replace(one.trace, tokens=tokens, source={}) for one in (rules.left, rules.right)]
    tags = parsed(to_fragment(diff(*traces)))
    assert "script" not in tags.tags
    assert "b" not in tags.tags
