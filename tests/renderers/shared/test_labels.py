"""Tokens and texts as titles, sentences, tables and axes name them."""

from __future__ import annotations

from dataclasses import replace

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_roles import made_role

from attnviz import Layer, Trace, trace_text
from attnviz.choices import Language
from attnviz.renderers.shared.labels import file_name, name, named, round_positions, text_of, unnamed, worn
from attnviz.text.display import NamedToken
from attnviz.text.lessons import lessons
from attnviz.trace.generation import Generation
from attnviz.trace.roles import Verdict
from tests.support.hard_tokens import TOKENS


@pytest.mark.parametrize(
    ("token", "shown"), [("cat", "cat"), (" cat", "·cat"), ("x" * 20, "x" * 15 + "…"), ("\x1b", "\\x1b"), ("", "''")]
)
def test_a_name_is_short_and_shows_what_cannot_be_seen(token, shown):
    assert name(token) == shown


def test_only_names_that_stand_more_than_once_carry_their_positions():
    assert [token.quoted for token in named(["the", "cat", "the"])] == ["`the` @0", "`cat`", "`the` @2"]
    assert [token.plain for token in named(["the", "cat", "the"])] == ["the @0", "cat", "the @2"]
    long = ["antidisestablishment1", "antidisestablishment2"]  # different tokens, cut to the same name
    assert named(long) == [NamedToken("antidisestablis…", 0), NamedToken("antidisestablis…", 1)]


@given(tokens=st.lists(TOKENS, max_size=8))
def test_no_two_tokens_are_named_alike(tokens):
    quoted = [token.quoted for token in named(tokens)]
    assert len(set(quoted)) == len(tokens)
    assert [token.text for token in named(tokens)] == [name(token) for token in tokens]


@pytest.mark.parametrize(
    ("tokens", "without"),
    [(("0", "1", "2"), True), (("q0", "q1"), True), (("k0",), True), (("1", "2"), False), (("a", "b"), False)],
)
def test_tokens_that_are_their_own_positions_are_no_names(tokens, without):
    assert unnamed(tokens) == without


def test_arrays_without_tokens_are_called_by_their_file():
    array = numpy.eye(2)

    def trace_of(tokens, source):
        return Trace(tokens, (Layer(array, array, array),), source)

    assert file_name(trace_of(("0", "1"), {"kind": "arrays", "file": "q.npz"}), ("0", "1")) == "q.npz"
    assert file_name(trace_of(("a", "b"), {"kind": "arrays", "file": "q.npz"}), ("a", "b")) is None
    assert file_name(trace_of(("0", "1"), {"kind": "arrays"}), ("0", "1")) is None


@given(
    start=st.integers(0, 10**6),
    length=st.integers(1, 3000),
    size=st.integers(1, 40),
    most=st.integers(1, 12),
)
def test_round_positions_stand_in_the_cells_that_hold_them(start, length, size, most):
    positions = range(start, start + length)
    labels = round_positions(positions, size, most)
    assert len(labels) == -(-length // size)
    there = {cell: int(label.replace(",", "")) for cell, label in enumerate(labels) if label}
    assert 1 <= len(there) <= most
    for cell, position in there.items():
        assert position in positions[cell * size : (cell + 1) * size]
    steps = {after - before for before, after in zip([*there.values()], [*there.values()][1:], strict=False)}
    assert len(steps) <= 1 or size > 1


def test_a_head_wears_its_roles():
    vectors = numpy.zeros((2, 3, 1))
    layers = (Layer(vectors, vectors, vectors, index=0), Layer(vectors, vectors, vectors, index=1))
    roles = (made_role(), made_role("meaning", verdict=Verdict.PARTLY), made_role("copying", verdict=Verdict.NONE))
    trace = Trace(("a", "b", "c"), layers, roles=roles)
    assert worn(trace, layers[1], 0) == " · syntax (proved) · meaning (partly)"
    assert worn(trace, layers[1], 1) == worn(trace, layers[0], 0) == ""
    assert worn(trace, layers[1], 0, lessons(Language.VI)).startswith(" · cú pháp (đã chứng minh)")
    cross = Layer(vectors, vectors, vectors, index=1, kind="cross", name="cross 1", key_tokens=("a", "b", "c"))
    assert worn(trace, cross, 0) == ("" if cross.stack else " · syntax (proved) · meaning (partly)")


@pytest.mark.parametrize(
    ("source", "generation", "text"),
    [
        ({"original": "the\n cat\x1b sat"}, None, "the cat\\x1b sat"),
        ({}, None, None),
        ({}, Generation(("sat",)), None),
        ({"original": "the cat"}, Generation(("sat",), prompt="the\ncat", text=" sat"), "the cat sat"),
    ],
)
def test_the_text_itself_stands_on_one_line_with_what_was_written(source, generation, text):
    layer = Layer(*numpy.ones((3, 1, 2, 2)))
    assert text_of(Trace(("the", "cat"), (layer,), source, generation=generation)) == text


def test_both_texts_of_a_pair_are_told():
    trace = trace_text("the  cat")
    assert text_of(replace(trace, source=trace.source.of_text("the  cat", "a\ndog"))) == "the cat / a dog"
