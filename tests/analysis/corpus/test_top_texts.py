"""The texts with the largest values, one after the other or merged: those of all values sorted."""

from __future__ import annotations

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attnviz import trace_text
from attnviz.analysis.corpus import top_texts
from attnviz.analysis.corpus.top_texts import TopTexts, excerpt_of
from attnviz.errors import AttnvizError
from attnviz.trace.origin import Origin

MOST = 3


def kept(values: numpy.ndarray, numbers, most: int = MOST) -> TopTexts:
    """Of (texts, metrics, heads), these texts."""
    found = TopTexts(most)
    for number in numbers:
        found = found.plus(
            f"a.txt:{number}", f"text {number}", [("layer 0", values[number]), ("layer 1", -values[number])]
        )
    return found


def made(texts: int = 30) -> numpy.ndarray:
    """With many of the same value, and some that a text lacks."""
    draw = numpy.random.default_rng(0)
    values = draw.integers(0, 6, size=(texts, 2, 2)) / 4
    values[draw.random(values.shape) < 0.2] = numpy.nan
    values[2:, 1, 1] = numpy.nan
    return values


def expected(values: numpy.ndarray, sign: int = 1) -> list[tuple[float, int]]:
    """The largest, and of equals those of the first text."""
    known = [(value, number) for number, value in enumerate((sign * values).tolist()) if value == value]
    return sorted(known, key=lambda one: (-one[0], one[1]))[:MOST]


def told(found: TopTexts, title: str, row: int, column: int) -> list[tuple[float, int]]:
    texts = found.of(title, row, column)
    assert all(one.excerpt == f"text {one.name.removeprefix('a.txt:')}" for one in texts)
    return [(one.value, int(one.name.removeprefix("a.txt:"))) for one in texts]


@settings(max_examples=40, deadline=None)
@given(st.permutations(range(30)), st.integers(1, 6), st.randoms(use_true_random=False))
def test_merged_in_any_order_they_are_those_of_all_values(order, count, random):
    values = made()
    groups = [sorted(order[place::count]) for place in range(count)]
    parts = [kept(values, group) for group in groups]
    while len(parts) > 1:
        one = parts.pop(random.randrange(len(parts)))
        place = random.randrange(len(parts))
        parts[place] = parts[place].merged(one)
    for row, column in numpy.ndindex(2, 2):
        assert told(parts[0], "layer 0", row, column) == expected(values[:, row, column])
        assert told(parts[0], "layer 1", row, column) == expected(values[:, row, column], -1)


def test_texts_that_are_no_longer_among_them_are_forgotten(monkeypatch):
    monkeypatch.setattr(top_texts, "FORGET", 4)
    values = numpy.arange(200.0).reshape(200, 1, 1)
    found = TopTexts(2)
    for number in range(200):
        found = found.plus(f"a.txt:{number}", f"text {number}", [("layer 0", values[number])])
        assert len(found._texts) <= 2 * 2 + 4
    assert told(found, "layer 0", 0, 0) == [(199, 199), (198, 198)]
    assert found.record() == [["a.txt:198", "text 198"], ["a.txt:199", "text 199"]]


def test_where_none_are_asked_for_nothing_is_kept():
    assert kept(made(), range(3), most=0).of("layer 0", 0, 0) == []
    assert kept(made(), range(3), most=0).record() == []


def test_of_a_layer_that_no_text_has_there_are_none():
    assert kept(made(), range(3)).of("layer 9", 0, 0) == []


def test_a_layer_that_only_one_part_has_is_there():
    one, other = TopTexts(1), TopTexts(1).plus("b", "text b", [("layer 7", numpy.array([[2.0]]))])
    for both in (one.merged(other), other.merged(one)):
        assert [tuple(text) for text in both.of("layer 7", 0, 0)] == [("b", "text b", 2.0)]


def test_what_is_written_is_read_again():
    found = kept(made(), range(30))
    layers = {title: (title, (2, 2)) for title in ("layer 0", "layer 1")}
    arrays = found.arrays("layer 0", "layer 0") | found.arrays("layer 1", "layer 1")
    again = TopTexts.of_arrays(MOST, found.record(), arrays, layers)
    for title in layers:
        for row, column in numpy.ndindex(2, 2):
            assert again.of(title, row, column) == found.of(title, row, column)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda arrays: arrays.pop("l.values"), "l is missing, or of another shape"),
        (lambda arrays: arrays.update({"l.texts": arrays["l.texts"][..., :1]}), "l is missing, or of another shape"),
        (lambda arrays: arrays.update({"l.texts": arrays["l.texts"].astype(float)}), "l holds numbers that cannot be"),
        (lambda arrays: arrays["l.texts"].fill(-2), "l holds numbers that cannot be"),
        (lambda arrays: arrays["l.texts"].fill(99), "l holds numbers that cannot be"),
        (lambda arrays: arrays["l.values"].fill(numpy.inf), "l holds numbers that cannot be"),
        (lambda arrays: arrays["l.values"].fill(numpy.nan), "l holds numbers that cannot be"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(change, message):
    found = kept(made(), range(30))
    arrays = {name: array.copy() for name, array in found.arrays("layer 0", "l").items()}
    change(arrays)
    with pytest.raises(AttnvizError, match=message):
        TopTexts.of_arrays(MOST, found.record(), arrays, {"layer 0": ("l", (2, 2))})


def test_an_excerpt_is_how_a_text_begins_on_one_line():
    assert excerpt_of(trace_text("the cat\nsat on\tthe mat").source) == "the cat sat on the mat"
    assert len(excerpt_of(trace_text("cat " * 200).source)) <= 80
    assert "\x1b" not in excerpt_of(trace_text("a \x1b[31m b").source)


def test_of_a_text_that_nobody_knows_the_tokens_are_told():
    assert excerpt_of(Origin(), ("the", "cat\n")) == "the cat"
    assert excerpt_of(Origin().of_text("a dog"), ("the", "cat")) == "a dog"
    assert excerpt_of(Origin()) == ""
