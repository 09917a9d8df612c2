"""The page of a difference: both traces in one, opened with the two heads that are furthest apart."""

from __future__ import annotations

import json
import re
from dataclasses import replace

from attnviz import diff
from attnviz.choices import Language
from attnviz.renderers.difference.page import to_html


def record(page):
    return json.loads(re.search(r'<script type="application/json" id="record">(.*?)</script>', page, re.DOTALL)[1])


def test_both_traces_are_in_it_side_by_side(words):
    found = record(to_html(words))
    assert [(layer["side"], layer["title"], layer["heads"]) for layer in found["layers"]] == [
        (0, "layer 0", [0, 1, 2, 3]),
        (1, "layer 0", [0, 1, 2, 3]),
    ]
    assert [found["texts"][layer["queryTexts"]]["labels"] for layer in found["layers"]] == [
        list(one.trace.tokens) for one in (words.left, words.right)
    ]
    head = words.heads[0].left.head
    assert found["opens"] == {"layer": 0, "head": head, "other": {"layer": 1, "head": head}}
    assert found["sides"] == ["left", "right"]
    [partners] = found["partners"]
    assert list(map(list, zip(*partners["pairs"], strict=True))) == [list(pair) for pair in words.tokens.pairs]
    assert found["text"] == "left: “the cat sat on the mat” · right: “today the dog sat on a mat”"


def test_two_heads_of_one_trace_are_a_page_of_that_trace(rules):
    found = record(to_html(diff(rules.left.trace, left="0.3", right="0.1")))
    assert [layer["heads"] for layer in found["layers"]] == [[1, 3]]
    assert found["opens"] == {"layer": 0, "head": 1, "other": {"layer": 0, "head": 0}}
    assert "sides" not in found


def test_the_heads_that_are_asked_for(words):
    some = replace(words, top=1)
    assert [layer["heads"] for layer in record(to_html(some))["layers"]] == [[words.heads[0].left.head]] * 2


def test_special_tokens_are_told_where_both_texts_are_the_same(rules):
    def known(one):
        return replace(one.trace, source={"kind": "model", "ids": [*range(6)], "special": [0]})

    same = diff(known(rules.left), known(rules.right))
    assert record(to_html(same))["texts"][0]["special"] == [0]
    other = replace(known(rules.right), tokens=("x", *rules.right.trace.tokens[1:]))
    assert record(to_html(diff(known(rules.left), other)))["texts"][0]["special"] == []


def test_in_another_language(words):
    assert record(to_html(words, Language.VI))["language"] == "vi"
    assert record(words.to_html(language="vi", max_size=1))["language"] == "vi"
