"""What a model predicts without some heads is what torch's own hooks make of it, in every family."""

from __future__ import annotations

import numpy
import pytest
import torch
from headless_models import GAPS, HEADS, NAMES, effects, gap_tokenizer, logits, network, predicting, projection
from tiny_models import inputs, model

from attnviz.analysis.effects import measure_effects
from attnviz.choices import Ablation, Effect
from attnviz.sources.huggingface.model import Model
from attnviz.sources.huggingface.predictor import ModelPredictor

QUICK = ("Llama", "GPT2", "Bert")  # grouped heads, one product for query, key and value with a bias in W_O, and gaps
FAMILIES = [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in NAMES]
TOGETHER = 40  # tokens in a pass: so several heads are in one, and several passes are needed


def given(name):
    """A text for a model; one that fills gaps has one between its words."""
    if name not in GAPS:
        return inputs(name)
    ids = gap_tokenizer()("the king met [MASK] we list")["input_ids"]
    return {"input_ids": torch.tensor([ids])}


def read(name, together=TOGETHER):
    return ModelPredictor(predicting(name), together).read(given(name))


@pytest.mark.parametrize("ablation", Ablation)
@pytest.mark.parametrize("name", FAMILIES)
def test_effects_are_those_of_a_hook_on_the_output_projection(name, ablation):
    found = measure_effects(read(name), None, ablation)
    assert found.answer is not None
    for number, layer in enumerate(found.layers):
        head = number % HEADS
        expected = effects(name, given(name), layer.layer.title, head, ablation, found.answer.number)
        rounding = 2e-6 if network(name).dtype is torch.float32 else 1e-12
        assert layer.values[:, head] == pytest.approx(expected, abs=rounding, rel=1e-6)
    values = numpy.concatenate([layer.values for layer in found.layers], axis=1)
    assert abs(values[list(Effect).index(Effect.LOSS)]).max() > 1e-4


@pytest.mark.parametrize("name", FAMILIES)
def test_without_all_heads_of_a_layer_the_model_is_what_it_is_without_that_attention(name):
    """Exactly: what W_O adds to nothing is its bias. One text at a time, for the sums of several are rounded otherwise."""
    text = read(name, 1)
    places = text.places
    for place, layer in enumerate(text.layers):
        (gone,) = text.without([[(place, head) for head in range(layer.heads)]], Ablation.ZERO)
        w_o = projection(name, layer.title)

        def bias_alone(module, _, made):
            return torch.zeros_like(made) + (0 if getattr(module, "bias", None) is None else module.bias)

        hook = w_o.register_forward_hook(bias_alone)
        rows = [places.rows([one]) for one in range(places.passes)]
        expected = [places.predicted(logits(network(name), row), one) for one, row in enumerate(rows)]
        hook.remove()
        assert torch.equal(gone, torch.cat(expected))


def test_layers_that_share_their_weights_are_taken_one_by_one():
    """ALBERT's layers are one module, which runs again: the second time it is layer 1."""
    asked = Model(model("Albert", torch.float64), "Albert", gap_tokenizer())
    text = ModelPredictor(asked, 1).read(given("Bert"))
    dense = asked.model.get_submodule("albert.encoder.albert_layer_groups.0.albert_layers.0.attention.dense")
    for place, layer in enumerate(text.layers):
        (gone,) = text.without([[(place, head) for head in range(layer.heads)]], Ablation.ZERO)
        runs = iter(range(1000))

        def bias_alone(linear, _, made, place=place, runs=runs):
            return torch.zeros_like(made) + linear.bias if next(runs) % 2 == place else made

        hook = dense.register_forward_hook(bias_alone)
        rows = [(text.places.rows([one]), one) for one in range(text.places.passes)]
        expected = [text.places.predicted(logits(asked.model, row), one) for row, one in rows]
        hook.remove()
        assert torch.equal(gone, torch.cat(expected))
