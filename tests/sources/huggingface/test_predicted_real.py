"""Effects of the heads of a decoder that somebody trained: exact, and at about the price of the passes that it takes."""

from __future__ import annotations

import time

import pytest
import torch
from real_models import smollm2

from attnviz.analysis.effects import measure_effects
from attnviz.choices import Ablation
from attnviz.sources.huggingface.model import Model
from attnviz.sources.huggingface.predictor import ModelPredictor

pytestmark = pytest.mark.slow

TEXT = "The Eiffel Tower stands in the city of"
LAYERS = ("0", "7", "8", "15", "20", "29")


@pytest.fixture(scope="module")
def predictor(tmp_path_factory):
    folder = smollm2(tmp_path_factory.mktemp("trained") / "SmolLM2")
    try:
        yield ModelPredictor(Model.load(str(folder), predicts=True))
    finally:
        (folder / "model.safetensors").unlink()  # half a gigabyte, which pytest would keep


@pytest.mark.parametrize("layer", [0, 15, 29])
def test_without_all_heads_of_a_layer_it_is_the_model_without_that_attention(predictor, layer):
    text, network = predictor.read(TEXT), predictor.model.model
    [without] = text.without([[(layer, head) for head in range(9)]], Ablation.ZERO)
    hook = network.model.layers[layer].self_attn.register_forward_hook(lambda _, __, made: (made[0] * 0, *made[1:]))
    try:
        with torch.inference_mode():
            expected = network(text.places.inputs["input_ids"], use_cache=False).logits[0]
    finally:
        hook.remove()
    assert torch.equal(without, expected)
    assert not torch.allclose(text.whole(), expected, atol=1e-2)  # so there was something to take away


def test_effects_take_little_more_than_the_passes_that_they_need(predictor):
    """At most 1.5 times the bare passes of as many texts at once: one for each head, and as large."""
    text, network = predictor.read(TEXT), predictor.model.model
    ids = text.places.inputs["input_ids"]
    together = text.together // text.tokens
    heads = 9 * len(LAYERS)
    sizes = [min(together, heads - start) for start in range(0, heads, together)]

    def bare() -> None:
        with torch.inference_mode():
            for size in sizes:
                network(ids.expand(size, -1), use_cache=False)

    def effects() -> None:
        found = measure_effects(predictor.read(TEXT), layer=LAYERS)
        assert sum(len(one.heads) for one in found.layers) == heads

    taken: dict[str, float] = {}
    for _ in range(4):  # of one processor, and in turn: what else the machine does is not measured
        for work in (bare, effects):
            begin = time.process_time()
            work()
            taken[work.__name__] = min(taken.get(work.__name__, 1e9), time.process_time() - begin)
    assert taken["effects"] <= 1.5 * taken["bare"], taken
