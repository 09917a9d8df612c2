"""The steps of a generation, joined: the map of one pass over the whole text, whatever the cache holds."""

from __future__ import annotations

import numpy
import pytest

from attnviz.errors import AttnvizError
from attnviz.sources.weights.joined_steps import joined, prompt_length

RANDOM = numpy.random.default_rng(1)


def causal(positions, window=None, heads=2):
    """Weights of a whole text whose queries see what is before them, (heads, positions, positions)."""
    weights = numpy.tril(RANDOM.random((heads, positions, positions)))
    if window is not None:
        weights = numpy.triu(weights, 1 - window)
    return weights / weights.sum(axis=-1, keepdims=True)


def steps_of(whole, prompt, cache="growing", window=None):
    """``whole``, (heads, positions, positions), as a generation hands it out with such a cache."""
    count = whole.shape[1]
    steps = []
    for start, stop in [(0, prompt), *((one, one + 1) for one in range(prompt, count))]:
        begin, end = 0, stop
        if cache == "sliding" and start:
            begin = max(0, stop - window)
        if cache == "static":
            end = count + 3
        rows = numpy.zeros((1, len(whole), stop - start, end - begin))
        kept = whole[:, start:stop, begin : min(end, count)]
        rows[0, :, :, : kept.shape[2]] = kept
        steps.append((rows,))
    return steps


@pytest.mark.parametrize("cache", ["growing", "static"])
def test_the_rows_of_all_steps_are_those_of_the_whole(cache):
    whole = causal(9)
    [layer] = joined(steps_of(whole, 4, cache))
    assert layer.number == 0
    numpy.testing.assert_array_equal(layer.weights, whole)
    wanted = numpy.ones((9, 9), dtype=bool)
    wanted[:4, 4:] = False  # what came after the prompt was not there yet
    wanted[4:] = numpy.tri(9, dtype=bool)[4:]
    assert (layer.mask == wanted).all()


def test_a_cache_that_slides_holds_the_last_positions():
    whole = causal(9, window=3)
    [layer] = joined(steps_of(whole, 4, "sliding", window=3))
    numpy.testing.assert_array_equal(layer.weights, whole)
    assert layer.mask[8].tolist() == [False] * 6 + [True] * 3


def test_a_single_step_has_no_mask():
    whole = causal(4)
    [layer] = joined(steps_of(whole, 4))
    assert layer.mask is None
    assert prompt_length(steps_of(whole, 3)) == 3


def test_the_keys_of_another_text_are_the_same_in_each_step():
    whole = RANDOM.random((2, 6, 5))
    steps = [(whole[None, :, place : place + 1],) for place in range(6)]
    [layer] = joined(steps, crossed=True)
    numpy.testing.assert_array_equal(layer.weights, whole)
    assert layer.mask is None


def test_layers_stay_apart_and_one_without_attention_is_left_out():
    first, second = causal(6), causal(6)
    steps = [(a, None, b) for (a,), (b,) in zip(steps_of(first, 2), steps_of(second, 2), strict=True)]
    one, other = joined(steps)
    assert (one.number, other.number) == (0, 2)
    numpy.testing.assert_array_equal(other.weights, second)


def test_an_item_of_a_batch_is_chosen():
    first, second = causal(6), causal(6)
    pairs = zip(steps_of(first, 2), steps_of(second, 2), strict=True)
    steps = [(numpy.concatenate([a, b]),) for (a,), (b,) in pairs]
    numpy.testing.assert_array_equal(joined(steps, item=1)[0].weights, second)
    with pytest.raises(AttnvizError, match=r"attentions\[0\] holds a batch of 2 texts"):
        joined(steps)


def changed(steps, number, change):
    return [(change(layer),) if place == number else (layer,) for place, (layer,) in enumerate(steps)]


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        (steps_of(causal(6), 3)[1:], "layer 0: step 0 has 4 keys, but the text has 1 position so far"),
        (changed(steps_of(causal(6), 3), 0, lambda one: one[..., :2]), "step 0 has 2 keys, but the text has 3"),
        (changed(steps_of(causal(6), 3), 2, lambda one: one[:, :1]), "its steps have the shapes"),
        (
            [*steps_of(causal(6), 3)[:2], (causal(2)[None, :, 1:], causal(2)[None, :, 1:])],
            "the steps have 1, 1, 2 layers",
        ),
    ],
)
def test_steps_that_are_of_no_one_text_are_refused(steps, words):
    with pytest.raises(AttnvizError, match=words):
        joined(steps)
