"""Quantiles of a stream: exact while they may be, within the promised rank beyond, and read from no file that could mislead them."""

from __future__ import annotations

import sys

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from attnviz.analysis.corpus.quantiles import EXACT, Sketches, rank_error
from attnviz.errors import AttnvizError

SHARES = (0.0, 0.05, 0.5, 0.9, 1.0)


def sketched(values: numpy.ndarray) -> Sketches:
    """Of (texts, metrics, heads)."""
    found = Sketches(values.shape[1:])
    for one in values:
        found.add(one)
    return found


def draw(texts: int, seed: int = 0) -> numpy.ndarray:
    return numpy.random.default_rng(seed).normal(size=(texts, 2, 3))


def test_up_to_so_many_texts_they_are_exact():
    values = draw(EXACT)
    values[:, 1, 1] = numpy.nan
    values[5:, 0, 0] = numpy.nan
    found = sketched(values).at(SHARES)
    for place in numpy.ndindex(2, 3):
        known = values[(slice(None), *place)]
        known = known[~numpy.isnan(known)]
        if len(known):
            assert_allclose(found[place], numpy.quantile(known, SHARES, method="inverted_cdf"), rtol=1e-6)
    assert numpy.isnan(found[1, 1]).all()


def test_of_more_texts_and_of_merged_parts_the_rank_is_as_near_as_is_promised():
    parts = [draw(1500, seed) for seed in range(3)]
    values = numpy.concatenate(parts)
    merged = sketched(parts[2]).merged(sketched(parts[0])).merged(sketched(parts[1]))
    found = merged.at(SHARES)
    ranks = (values[..., None] <= found).mean(axis=0)
    assert abs(ranks - SHARES).max() < 3 * rank_error()  # one is promised with a probability of 0.99, and here are 30
    assert_allclose(found[..., [0, -1]], numpy.stack([values.min(axis=0), values.max(axis=0)], axis=-1), rtol=1e-6)


def test_merging_leaves_both_parts_as_they_are():
    one, other = sketched(draw(4)), sketched(draw(5, 1))
    before = one.at(SHARES).tolist(), other.at(SHARES).tolist()
    one.merged(other)
    assert (one.at(SHARES).tolist(), other.at(SHARES).tolist()) == before


@pytest.mark.parametrize("texts", [0, 1, 2, EXACT, EXACT + 1, 3000])
def test_what_is_written_is_read_again(texts):
    found = sketched(draw(texts))
    arrays = found.arrays("q")
    again = Sketches.of_arrays(arrays, "q", (2, 3), texts)
    assert {name: array.tolist() for name, array in again.arrays("q").items()} == {
        name: array.tolist() for name, array in arrays.items()
    }
    assert_allclose(again.at(SHARES), found.at(SHARES))


@pytest.mark.parametrize(
    "change",
    [
        lambda arrays: arrays.pop("q.bytes"),
        lambda arrays: arrays.pop("q.lengths"),
        lambda arrays: arrays.update({"q.bytes": arrays["q.bytes"].astype(float)}),
        lambda arrays: arrays.update({"q.lengths": arrays["q.lengths"][:-1]}),
        lambda arrays: arrays.update({"q.lengths": arrays["q.lengths"] + 1}),
        lambda arrays: arrays.update({"q.lengths": arrays["q.lengths"] * -1}),
    ],
)
def test_arrays_of_another_shape_are_refused(change):
    arrays = sketched(draw(3)).arrays("q")
    change(arrays)
    with pytest.raises(AttnvizError, match="q is missing, or of another shape"):
        Sketches.of_arrays(arrays, "q", (2, 3), 3)


def test_a_sketch_of_more_texts_than_there_are_is_refused():
    for texts in (1, 5, 900):
        with pytest.raises(AttnvizError, match="q holds numbers that cannot be"):
            Sketches.of_arrays(sketched(draw(texts)).arrays("q"), "q", (2, 3), texts - 1)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_bytes_that_have_changed_are_refused_or_a_sketch(data):
    """The library itself reads beyond the end of what claims more than it holds, and the process would end."""
    texts = data.draw(st.sampled_from([0, 1, 7, 900]))
    arrays = sketched(draw(texts)[:, :1, :1]).arrays("q")
    content = bytearray(arrays["q.bytes"].tobytes())
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, min(len(content) - 1, 63)))] = data.draw(st.integers(0, 255))
    changed = {**arrays, "q.bytes": numpy.frombuffer(bytes(content), "u1")}
    try:
        found = Sketches.of_arrays(changed, "q", (1, 1), 1000)
    except AttnvizError:
        return
    found.add(numpy.array([[0.5]]))
    assert found.merged(found).at(SHARES).shape == (1, 1, len(SHARES))


def test_without_the_library_one_line_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "datasketches", None)
    with pytest.raises(AttnvizError, match="quantiles need datasketches, which is not installed") as error:
        Sketches((1, 1))
    assert "attnviz[cluster]" in error.value.hint


def test_a_sketch_of_more_levels_than_a_number_has_bits_is_refused():
    arrays = sketched(draw(900)[:, :1, :1]).arrays("q")
    for levels in (40, 59):
        content = bytearray(arrays["q.bytes"].tobytes())
        content[18] = levels
        changed = {"q.bytes": numpy.frombuffer(bytes(content), "u1"), "q.lengths": arrays["q.lengths"]}
        with pytest.raises(AttnvizError, match="cannot be"):
            Sketches.of_arrays(changed, "q", (1, 1), 1000)
