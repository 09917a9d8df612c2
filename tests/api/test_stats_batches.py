"""Statistics of texts that a model reads several at once, two batches side by side, are those of one text at a time."""

from __future__ import annotations

import copy
import threading
from functools import lru_cache

import numpy
import pytest
import torch
import transformers
from numpy.testing import assert_allclose
from tiny_models import CONFIGS, model, tokenizer
from watched_models import eager_attentions

import attnviz
from attnviz import AttnvizError
from attnviz.analysis.metrics import Metric
from attnviz.sources.huggingface import seams
from attnviz.sources.huggingface.batch_watch import BatchWatch, NeedsTraceError
from attnviz.sources.huggingface.trace_texts import Batches

pytestmark = pytest.mark.usefixtures("two_lanes")
WORDS = ["the", "cat", "sat", "on", "the", "mat", "and", "a", "dog", "slept", "with", "one", "step", "the", "cat"]
LENGTHS = (5, 1, 8, 3, 2, 13)
TEXTS = [" ".join(WORDS[start : start + length]) for start in (0, 4, 2) for length in LENGTHS] + ["", "the the the"]
WEIGHED = ["Llama", "Mistral", "Gemma2", "Qwen3", "GPT2", "Bert", "ModernBert", "Albert"]  # by their weights alone
KINDS = [*WEIGHED, "GptOss", "Splinter"]


@lru_cache
def one_by_one(name: str, **options):
    return attnviz.stats(TEXTS, model(name), tokenizer=tokenizer(), batch=1, **options)


def require_same(mine, theirs) -> None:
    assert mine.statistics.texts == theirs.statistics.texts
    assert mine.statistics.tokens == theirs.statistics.tokens
    assert [str(one) for one in mine.errors.values()] == [str(one) for one in theirs.errors.values()]
    for one, other in zip(mine.statistics.heads(), theirs.statistics.heads(), strict=True):
        assert one[:3] == other[:3]
        assert [name.name for name in one.names] == [name.name for name in other.names]
        assert_allclose(*([name.threshold for name in each.names] for each in (one, other)), atol=1e-5)
        assert one.values.keys() == other.values.keys()
        for metric, value in one.values.items():
            assert value.count == other.values[metric].count
            numbers = [(each.mean, each.deviation) for each in (value, other.values[metric])]
            assert_allclose(*numbers, atol=1e-5, rtol=1e-5)
            assert_allclose(
                *(each.quantiles.get(metric, ()) for each in (one, other)), atol=1e-5, rtol=1e-5, err_msg=str(metric)
            )
            tops = [[top.value for top in each.top.get(metric, ())] for each in (one, other)]
            assert_allclose(*tops, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.some(3)
def test_several_at_once_are_what_one_at_a_time_is(name):
    options = {"quantiles": (0.25, 0.5, 0.9), "top_texts": 2}
    require_same(
        attnviz.stats(TEXTS, model(name), tokenizer=tokenizer(), batch=3, **options), one_by_one(name, **options)
    )


@pytest.mark.parametrize("name", ["Llama", "Bert"])
@pytest.mark.parametrize("pool", ["mean", "max"])
@pytest.mark.some(2)
def test_with_other_options_too(name, pool):
    options = {"pool": pool, "near": 3, "metrics": ("largest", "near", "induction", "first"), "layer": "1"}
    require_same(
        attnviz.stats(TEXTS, model(name), tokenizer=tokenizer(), batch=4, **options), one_by_one(name, **options)
    )


def test_of_each_text_the_rows_stand_in_the_order_of_the_texts(tmp_path):
    rows = {}
    for batch in (1, 3):
        file = tmp_path / f"{batch}.csv"
        attnviz.stats(TEXTS, model("Llama"), tokenizer=tokenizer(), batch=batch, by_text=file)
        rows[batch] = [line.split(",") for line in file.read_text().splitlines()]
    assert len(rows[1]) == 1 + (len(TEXTS) - 1) * 2 * 4  # a text is empty
    texts = [cells[0] for cells in rows[1]]
    assert texts == sorted(texts, key=texts.index)  # of one text together
    for one, other in zip(rows[3], rows[1], strict=True):
        named = [[place for place, cell in enumerate(cells) if not is_number(cell)] for cells in (one, other)]
        assert named[0] == named[1]
        assert [one[place] for place in named[0]] == [other[place] for place in named[0]]
        assert one[0] == other[0]
        assert_allclose(*(list(map(float, filter(is_number, cells))) for cells in (one, other)), atol=1e-5)


def is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize("name", ["Llama", "Mistral", "Gemma2", "GPT2", "Bert", "ModernBert"])
@pytest.mark.some(2)
def test_metrics_are_those_of_transformers_own_eager_weights(name):
    """Computed here, without attnviz: the largest weight, the entropy and the weight on the first token and on the token itself."""
    network = model(name)
    read = attnviz.stats(TEXTS, network, tokenizer=tokenizer(), batch=3).statistics
    found: dict[Metric, list[list[float]]] = {}
    for text in filter(None, TEXTS):
        ids = tokenizer()(text, return_tensors="pt")["input_ids"]
        weights = torch.stack(eager_attentions(network, {"input_ids": ids})).flatten(0, 1).double()
        entropy = -(weights * weights.clamp_min(1e-300).log2()).sum(-1).mean(-1)
        found.setdefault(Metric.LARGEST, []).append(weights.amax(-1).mean(-1).tolist())
        found.setdefault(Metric.ENTROPY, []).append(entropy.tolist())
        found.setdefault(Metric.SELF, []).append(weights.diagonal(dim1=-2, dim2=-1).mean(-1).tolist())
    for metric, values in found.items():
        heads = [head.values[metric] for head in read.heads()]
        assert_allclose([head.mean for head in heads], numpy.mean(values, axis=0), atol=1e-5)
        assert_allclose([head.deviation for head in heads], numpy.std(values, axis=0, ddof=1), atol=1e-5)


@pytest.mark.parametrize("name", WEIGHED)
@pytest.mark.some(3)
def test_nothing_of_the_layers_is_kept_where_weights_will_do(monkeypatch, name):
    """Of all but the texts that tell how the model takes batches, and padding."""
    traced, weighed = [], []
    of_text, take = BatchWatch.kept_of, BatchWatch._weighed
    monkeypatch.setattr(BatchWatch, "kept_of", lambda *given: traced.append(given) or of_text(*given))
    monkeypatch.setattr(BatchWatch, "_weighed", lambda *given: weighed.append(threading.get_ident()) or take(*given))
    attnviz.stats(TEXTS, model(name), tokenizer=tokenizer(), batch=3)
    assert len(traced) <= 3
    assert len(weighed) >= 2 * 5
    assert threading.get_ident() not in weighed


@pytest.mark.parametrize("name", ["GptOss", "T5Encoder"])
@pytest.mark.some(1)
def test_scores_that_get_more_are_measured_of_traces_with_the_same_numbers(monkeypatch, name):
    """Sinks, and a bias by distance, need more than a mask: the first batch says so, and no other is tried."""
    network = model("GptOss") if name == "GptOss" else biased()
    asked, raised = Batches._together, []

    def noted(self, some):
        try:
            return asked(self, some)
        except NeedsTraceError:
            raised.append(len(some))
            raise

    monkeypatch.setattr(Batches, "_together", noted)
    alone = attnviz.stats(TEXTS, network, tokenizer=tokenizer(), batch=1)
    require_same(attnviz.stats(TEXTS, network, tokenizer=tokenizer(), batch=3), alone)
    assert len(raised) == 1


def biased():
    """An encoder of T5's kind alone, which adds a bias by distance to its scores."""
    torch.manual_seed(0)
    return transformers.T5EncoderModel(transformers.T5Config(**CONFIGS["T5"], is_encoder_decoder=False)).eval()


NARROWED = [
    {"head": "1"},
    {"query": range(1, 2)},
    {"key": 0},
    {"skip_special": True},
    {"words": True},
    {"step": "contribution"},
    {"step": "summed"},
]


@pytest.mark.parametrize("options", NARROWED, ids=lambda options: next(iter(options)))
@pytest.mark.some(3)
def test_what_asks_for_less_or_for_more_is_measured_of_traces(monkeypatch, options):
    def never(*_):
        raise AssertionError("these need more than weights")

    texts = [text for text in TEXTS if len(text.split()) > 1]
    monkeypatch.setattr(BatchWatch, "_weighed", never)
    mine, theirs = (
        attnviz.stats(texts, model("Llama"), tokenizer=tokenizer(), batch=batch, **options) for batch in (3, 1)
    )
    require_same(mine, theirs)
    traces = [attnviz.trace_model(model("Llama"), text, tokenizer=tokenizer()) for text in texts]
    require_same(attnviz.stats(traces, **options), theirs)


def wrong_scale(query, key, value, options):
    return query, key, value, {**options, "scaling": 1.5 * query.shape[-1] ** -0.5}


def reversed_heads(query, key, value, options):
    return query.flip(1), key, value, options


def shifted_keys(query, key, value, options):
    return query, key.roll(1, dims=2), value, options


PLANTED = [wrong_scale, reversed_heads, shifted_keys]


@pytest.mark.parametrize("mistake", PLANTED, ids=lambda mistake: mistake.__name__)
@pytest.mark.some(2)
def test_a_mistake_in_an_attention_of_its_own_is_refused_in_every_batch(mistake):
    """From the fourth pass on, when batches run: a program's attention computes something else than what it is asked for."""
    network, calls = copy.deepcopy(model("Llama")), []

    def own(module, query, key, value, mask, **options):
        calls.append(query.shape)
        if len(calls) > 2 * 2:  # of the passes that tell how the model takes batches: all is well
            query, key, value, options = mistake(query, key, value, options)
        return seams.sdpa_attention_forward(module, query, key, value, mask, **options)

    name = f"own_{mistake.__name__}"
    transformers.AttentionInterface.register(name, own)
    transformers.AttentionMaskInterface.register(name, seams.sdpa_mask)
    network.set_attn_implementation(name)
    made_of = attnviz.stats(TEXTS, network, tokenizer=tokenizer(), batch=3)
    told = [str(error) for error in made_of.errors.values()]
    assert len(told) > len(TEXTS) - 6
    assert sum("attention recomputed" in one for one in told) >= len(told) - 2  # a text of one token has but one weight
    assert made_of.statistics.texts == len(TEXTS) - len(told)


def test_where_none_can_be_read_the_first_says_why():
    with pytest.raises(AttnvizError, match="positions of this model"):
        attnviz.stats(["the cat " * 80] * 4, model("GPT2"), tokenizer=tokenizer())
