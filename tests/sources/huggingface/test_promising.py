"""The estimate that chooses heads is the gradient of what it stands for."""

from __future__ import annotations

import numpy
import pytest
import torch
from asked_models import HEADS, LAYERS, asked, drawn_cases, outputs, replaced

from attnviz.sources.huggingface.passes import batches
from attnviz.sources.huggingface.promising import BEST, candidates, estimated_losses
from attnviz.sources.huggingface.wording import cut

STEP = 1e-3


@pytest.mark.parametrize("name", ["Llama", "GPT2", "Gemma2"])  # the experts of GptOss know no float64
@pytest.mark.some(2)
def test_the_estimate_is_a_small_step_towards_the_ablation(name):
    one = asked(name, torch.float64)
    texts = [cut(one.tokenizer, case.tokens).ids for case in drawn_cases()[:3]]
    answers, others = numpy.array([60, 61, 62]), numpy.array([70, 71, 72])
    means = numpy.random.default_rng(0).normal(size=(LAYERS, HEADS, 8))
    # More texts than one, of several lengths and in one batch twice.
    given = batches([(ids, len(ids) - 1) for ids in texts])
    found = estimated_losses(one, given, answers, others, means)

    def difference(said: torch.Tensor, place: int) -> float:
        return float(said[answers[place]] - said[others[place]])

    for layer, head in numpy.ndindex(LAYERS, HEADS):
        lost = []
        for place, ids in enumerate(texts):
            own = outputs(one, ids, layer)[:, head]  # (tokens, d_v)
            way = STEP * (torch.tensor(means[layer, head]) - own)
            ahead, back = (
                difference(replaced(one, ids, (layer, head), own + one_way), place) for one_way in (way, -way)
            )
            lost.append((back - ahead) / (2 * STEP))
        assert found[layer, head] == pytest.approx(numpy.mean(lost), rel=1e-3, abs=1e-3)


def test_nothing_of_the_estimate_stays():
    one = asked("Llama")
    given = batches([(cut(one.tokenizer, ("the", "dog")).ids, 2)])
    estimated_losses(one, given, numpy.array([60]), numpy.array([70]), numpy.zeros((LAYERS, HEADS, 8)))
    assert all(parameter.grad is None for parameter in one.model.parameters())


def test_the_best_by_either_and_some_drawn_ones_are_tried():
    hits, losses = numpy.zeros((10, 8)), numpy.zeros((10, 8))
    hits[3, :4] = losses[7, 1:5] = [0.9, 0.8, 0.7, 0.6]
    found = candidates(hits, losses)
    best = {(3, head) for head in range(4)} | {(7, head) for head in range(1, 5)}
    assert best < set(found)
    assert len(found) == len(set(found)) == 3 * BEST
    assert found == sorted(found) == candidates(hits, losses)


def test_a_head_that_is_best_by_both_is_tried_once():
    hits = numpy.zeros((10, 8))
    hits[3, :4] = 0.5
    assert len(candidates(hits, hits)) == 2 * BEST
