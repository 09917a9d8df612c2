"""How the next word is chosen: as transformers' own processors of logits would."""

from __future__ import annotations

import numpy
import pytest

from attnviz.sources.tiny.sampling import choose, shares
from attnviz.trace.written import Sampling

LOGITS = 3 * numpy.random.default_rng(0).normal(size=50)


@pytest.mark.parametrize("temperature", [None, 0.3, 2.0])
@pytest.mark.parametrize(("top_k", "top_p"), [(None, None), (4, None), (None, 0.6), (7, 0.5), (99, 0.001), (1, 1.0)])
def test_the_shares_are_those_of_transformers(temperature, top_k, top_p):
    torch = pytest.importorskip("torch")
    from transformers.generation import logits_process as of

    scores = torch.from_numpy(LOGITS)[None]
    for value, kind in (
        (temperature, of.TemperatureLogitsWarper),
        (top_k, of.TopKLogitsWarper),
        (top_p, of.TopPLogitsWarper),
    ):
        scores = scores if value is None else kind(value)(None, scores)
    expected = torch.softmax(scores[0], -1).numpy()
    assert numpy.abs(shares(LOGITS, Sampling(temperature, top_k, top_p)) - expected).max() < 1e-12


def test_the_likeliest_is_taken_where_nothing_is_drawn():
    assert choose(LOGITS, Sampling(), numpy.random.default_rng()) == LOGITS.argmax()
    assert choose(LOGITS, Sampling(top_k=1), numpy.random.default_rng()) == LOGITS.argmax()


def test_draws_fall_as_the_shares_say():
    sampling, draw = Sampling(temperature=1.0, top_k=5), numpy.random.default_rng(1)
    count = numpy.bincount([choose(LOGITS, sampling, draw) for _ in range(2000)], minlength=50) / 2000
    expected = shares(LOGITS, sampling)
    assert numpy.count_nonzero(count) == numpy.count_nonzero(expected) == 5
    assert numpy.abs(count - expected).max() < 4 * numpy.sqrt(0.25 / 2000)  # four standard deviations
