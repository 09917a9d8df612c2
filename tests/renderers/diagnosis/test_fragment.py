"""A diagnosis as an element of HTML: well formed, without a script, issues as links."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree

import pytest
from made_diagnoses import EVERY, ONE, SEVERAL

from attnviz.choices import Language
from attnviz.renderers.diagnosis.fragment import to_fragment
from attnviz.text.lessons import lessons


def element(found):
    return ElementTree.fromstring(to_fragment(found).replace("<br>", "<br/>"))


@pytest.mark.parametrize("found", EVERY)
def test_it_is_one_element_without_a_script(found):
    whole = element(found)
    assert whole.tag == "div"
    assert {one.tag for one in whole.iter()} <= {"div", "strong", "p", "span", "code", "br", "a"}


def test_the_issues_are_links():
    links = {link.text: link.get("href") for link in element(ONE).iter("a")}
    assert links["pytorch/pytorch#108108"] == "https://github.com/pytorch/pytorch/issues/108108"


def test_all_is_told():
    text = "".join(element(SEVERAL).itertext())
    for words in (
        "1. The causal mask",
        "2. Another scale",
        "scale-value",
        "∞ → 1e-7",
        "query (4, 3, 8)",
        "scores.softmax(-1)",
    ):
        assert words in text


def test_a_notebook_shows_it_in_its_language():
    assert ONE._repr_html_() == to_fragment(ONE)
    vietnamese = replace(ONE, language=Language.VI)
    assert vietnamese._repr_html_() == to_fragment(ONE, lessons(Language.VI))
    assert "Không đúng" in vietnamese._repr_html_()
