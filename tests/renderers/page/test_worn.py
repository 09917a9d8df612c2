"""The roles that the heads of a page wear."""

from __future__ import annotations

import numpy
from made_roles import made_role

from attnviz import Layer, Trace
from attnviz.choices import Language
from attnviz.renderers.page.worn import worn_roles
from attnviz.text.lessons import lessons
from attnviz.trace.roles import Verdict
from attnviz.trace.selection import select


def selected(**chosen):
    vectors = numpy.zeros((4, 2, 1))
    trace = Trace(("a", "b"), (Layer(vectors, vectors, vectors, index=1),))
    return select(trace, **chosen).layers[0]


def test_a_head_wears_its_name_and_the_evidence_behind_it():
    worn = worn_roles([made_role(head=3)], selected(), lessons())
    assert worn.keys() == {3}
    assert worn[3]["name"] == "syntax (proved)"
    assert worn[3]["looks"] == "at its own question: the subject 99 %"
    assert worn[3]["evidence"].startswith("Syntax: a verb's subject. Its largest weight is on the subject in 99 % of")
    assert worn_roles([made_role(head=3)], selected(), lessons(Language.VI))[3]["name"] == "cú pháp (đã chứng minh)"


def test_it_is_named_by_its_place_among_those_that_are_shown():
    assert worn_roles([made_role(head=3)], selected(head=["2", "3"]), lessons()).keys() == {1}
    assert worn_roles([made_role(head=3)], selected(head=["2"]), lessons()) == {}


def test_a_head_may_wear_several():
    [worn] = worn_roles([made_role(), made_role("meaning")], selected(), lessons()).values()
    assert worn["name"] == "syntax (proved) · meaning (proved)"
    assert worn["looks"].count(" · at its own question: ") == 1
    assert worn["evidence"].count("Its largest weight") == 2


def test_what_is_of_another_layer_or_no_role_is_not_worn():
    others = [made_role(layer=0), made_role(verdict=Verdict.NONE), made_role(verdict=None)]
    assert worn_roles(others, selected(), lessons()) == {}
