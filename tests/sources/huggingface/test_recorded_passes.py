"""Without a head, a model whose attention is recorded predicts what a hook on its own W_O, by name, makes of it."""

from __future__ import annotations

from functools import lru_cache

import pytest
import torch
import transformers
from headless_models import gap_tokenizer
from recorded_models import ALONE, WHOLE, read_by
from torch.nn.functional import cross_entropy, kl_div

from attnviz.analysis.effects import measure_effects
from attnviz.choices import Ablation, Effect
from attnviz.errors import AttnvizError
from attnviz.sources.huggingface.model import Model
from attnviz.sources.huggingface.predictor import ModelPredictor
from attnviz.sources.recording.agreement import TOLERANCES

# Where W_O stands: a linear map, and GPT's own kind of one.
PROJECTIONS = {
    "Bloom": "transformer.h.{}.self_attention.dense",
    "OpenAIGPT": "transformer.h.{}.attn.c_proj",
    "MPNet": "mpnet.encoder.layer.{}.attention.attn.o",
    "Falcon": "transformer.h.{}.self_attention.dense",
    "Falcon alibi": "transformer.h.{}.self_attention.dense",
    "Falcon new": "transformer.h.{}.self_attention.dense",
    "GPTNeo": "transformer.h.{}.attn.attention.out_proj",
    "Mpt": "transformer.blocks.{}.attn.out_proj",
    "XLM": "transformer.attentions.{}.out_lin",
}
QUICK = ("Bloom", "OpenAIGPT", "MPNet")
FAMILIES = [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in PROJECTIONS]
HEADS = 4


@lru_cache
def network(name):
    """A tiny model with its language head, in float64, its weights so large that each head matters."""
    config = getattr(transformers, f"{name.partition(' ')[0]}Config")(**(WHOLE | ALONE)[name])
    gaps = name in ("MPNet", "SqueezeBert", "Deberta")
    kind = transformers.AutoModelForMaskedLM if gaps else transformers.AutoModelForCausalLM
    torch.manual_seed(0)
    made = kind.from_config(config, attn_implementation="eager" if "Falcon" in name else None)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in made.parameters():
            if parameter.ndim > 1:
                parameter.copy_(0.3 * torch.randn(parameter.shape, generator=generator))
    return made.double().eval()


def read(name, together=40):
    return ModelPredictor(Model(network(name), name, gap_tokenizer()), together).read(read_by(network(name)))


def plain(name, text, change=None, layer=0):
    """What the model predicts, and in front of W_O ``change`` makes of the heads' outputs, (…, heads, d_v)."""
    if change is not None:
        w_o = network(name).get_submodule(PROJECTIONS[name].format(layer))
        hook = w_o.register_forward_pre_hook(
            lambda _, given: (change(given[0].unflatten(-1, (HEADS, -1))).flatten(-2),)
        )
    found = []
    for one in range(text.places.passes):
        with torch.no_grad():
            made = network(name)(**text.places.rows([one])).logits[0]
        found.append(text.places.predicted(made, one))
    if change is not None:
        hook.remove()
    return torch.cat(found)


def mean_outputs(name, layer):
    """The mean of each head's outputs over the text as it stands, (heads, d_v)."""
    kept = []
    w_o = network(name).get_submodule(PROJECTIONS[name].format(layer))
    hook = w_o.register_forward_pre_hook(lambda _, given: kept.append(given[0][0].unflatten(-1, (HEADS, -1)).mean(0)))
    with torch.no_grad():
        network(name)(**read_by(network(name)))
    hook.remove()
    return kept[0]


@pytest.mark.parametrize("ablation", Ablation)
@pytest.mark.parametrize("name", FAMILIES)
def test_without_a_head_it_predicts_what_a_hook_on_its_own_projection_makes_of_it(name, ablation):
    text = read(name)
    whole = plain(name, text)
    assert [layer.title for layer in text.layers] == ["layer 0", "layer 1"]
    torch.testing.assert_close(text.whole(), whole, rtol=1e-9, atol=1e-9)
    wanted = [(0, 1), (1, 3)]
    for (layer, head), found in zip(wanted, text.without([[one] for one in wanted], ablation), strict=True):
        value = mean_outputs(name, layer)[head] if ablation is Ablation.MEAN else 0.0

        def change(outputs, head=head, value=value):
            changed = outputs.clone()
            changed[..., head, :] = value
            return changed

        expected = plain(name, text, change, layer)
        torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-9)
        assert (expected - whole).abs().max() > 1e-4


@pytest.mark.parametrize("name", FAMILIES)
def test_without_all_heads_of_a_layer_nothing_but_the_bias_is_left(name):
    text = read(name, together=1)
    for place in range(2):
        (gone,) = text.without([[(place, head) for head in range(HEADS)]], Ablation.ZERO)
        assert torch.equal(gone, plain(name, text, torch.zeros_like, place))


def test_its_effects_are_those_of_the_papers_formulas():
    text = read("Bloom")
    found = measure_effects(text, None, Ablation.ZERO, layer=["1"], head=["2"])
    whole, ids = plain("Bloom", text), read_by(network("Bloom"))["input_ids"][0]

    def change(outputs):
        changed = outputs.clone()
        changed[..., 2, :] = 0
        return changed

    gone = plain("Bloom", text, change, 1)
    losses = [float(cross_entropy(rows[: len(ids) - 1], ids[1:])) for rows in (gone, whole)]
    answer = int(whole[-1].argmax())
    expected = {
        Effect.LOSS: losses[0] - losses[1],
        Effect.PROBABILITY: float(gone[-1].softmax(-1)[answer] - whole[-1].softmax(-1)[answer]),
        Effect.KL: float(kl_div(gone.log_softmax(-1), whole.log_softmax(-1), reduction="batchmean", log_target=True)),
    }
    (layer,) = found.layers
    for effect, value in zip(Effect, layer.values[:, 0], strict=True):
        assert value == pytest.approx(expected[effect], rel=1e-9, abs=1e-12)
    assert found.source.agreement.largest_error < TOLERANCES["float64"]


@pytest.mark.parametrize(
    ("name", "why"),
    [
        (
            "SqueezeBert",
            "the outputs of the heads of .* in SqueezeBertForMaskedLM go into no one linear map as they are",
        ),
        (
            "Deberta",
            "of DebertaForMaskedLM only the weights of its attention are known, and not what its heads put out",
        ),
    ],
)
def test_where_no_linear_map_reads_the_heads_they_are_not_taken_away(name, why):
    with pytest.raises(AttnvizError, match=why) as caught:
        read(name)
    assert caught.value.hint == "its heads cannot be taken away; its weights are measured by any other metric"


def test_of_a_second_text_it_is_known_that_the_model_is_recorded():
    asked = Model(network("Bloom"), "Bloom", gap_tokenizer())
    predictor = ModelPredictor(asked)
    predictor.read(read_by(network("Bloom")))
    assert asked.recorded is True
    assert predictor.read(read_by(network("Bloom"), 7)).tokens == 7
