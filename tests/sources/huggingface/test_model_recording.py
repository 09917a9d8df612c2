"""Models whose attention does not go through transformers' interface are recorded: every oracle is what a family itself returns."""

from __future__ import annotations

import pytest
import torch
import transformers
from recorded_models import ALONE, IN_PIECES, WHOLE, WITHOUT, own_attentions, read_by, recorded_model
from watched_models import made

from attnviz import AttnvizError, trace_model
from attnviz.sources.huggingface.model import Model
from attnviz.sources.huggingface.trace_model import trace as read

FEW = ("Bloom", "XLNet", "MPNet")
SLOW = [name if name in FEW else pytest.param(name, marks=pytest.mark.slow) for name in WHOLE | ALONE]


@pytest.mark.parametrize("name", SLOW)
def test_weights_are_what_the_family_itself_returns(name):
    network = recorded_model(name)
    given = read_by(network)
    trace, expected = trace_model(network, given), own_attentions(name, network, given)
    assert len(trace.layers) == len(expected)
    for layer, weights in zip(trace.layers, expected, strict=True):
        torch.testing.assert_close(torch.as_tensor(layer.steps().weights), weights, atol=1e-5, rtol=0)
        assert layer.weights_alone == (name in ALONE)
    if name in WHOLE:
        assert trace.source.agreement.largest_error < 1e-5
        assert trace.source.because == {}


@pytest.mark.parametrize("name", [name for name in FEW if name in WHOLE])
def test_nothing_is_changed_in_the_model(name):
    network = recorded_model(name)
    given = read_by(network)
    with torch.inference_mode():
        before = network(**given)[0]
        trace_model(network, given)
        assert torch.equal(network(**given)[0], before)
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in network.modules())


@pytest.mark.parametrize("name", ALONE)
def test_what_a_score_has_beside_a_bias_is_said(name):
    trace = trace_model(recorded_model(name), read_by(recorded_model(name)))
    assert trace.source.because == dict.fromkeys(
        ("layer 0", "layer 1"), "something that depends on the input itself is added to the scores"
    )
    assert trace.source.agreement.largest_error is None
    assert trace.source.unprojected == ()


@pytest.mark.parametrize(
    "name", ["Bloom", *(pytest.param(name, marks=pytest.mark.slow) for name in ("MPNet", "OpenAIGPT", "XLM"))]
)
def test_the_heads_add_up_to_what_w_o_gives(name):
    network = recorded_model(name)
    gave = []
    ends = {"Bloom": "dense", "MPNet": "attn.o", "OpenAIGPT": "c_proj", "XLM": "out_lin"}[name]
    own = [one for path, one in network.named_modules() if path.endswith(ends) and "mlp" not in path]
    hooks = [one.register_forward_hook(lambda _, __, output: gave.append(output[0])) for one in own]
    trace = trace_model(network, read_by(network))
    for hook in hooks:
        hook.remove()
    for layer in trace.layers:
        rows = layer.projected(layer.concat(layer.steps().output))
        near = [float((rows - other).abs().max() / other.abs().max()) for other in gave if other.shape == rows.shape]
        assert min(near) < 1e-5


@pytest.mark.parametrize(
    "name", [name if name == "Longformer" else pytest.param(name, marks=pytest.mark.slow) for name in IN_PIECES]
)
def test_attention_in_pieces_is_refused_in_one_line(name):
    network = recorded_model(name)
    with pytest.raises(AttnvizError, match=r"Model computes attention in pieces, so no map of it is whole$"):
        trace_model(network, read_by(network, tokens=40))


@pytest.mark.parametrize("name", WITHOUT)
def test_what_has_no_softmax_is_refused_in_one_line(name):
    network = recorded_model(name)
    with pytest.raises(AttnvizError, match=r"Model has no attention with a softmax over its keys, so there are no wei"):
        trace_model(network, read_by(network))


def test_only_the_layers_that_are_asked_for_are_kept():
    network = recorded_model("Bloom")
    trace = trace_model(network, read_by(network), layer="1")
    assert [layer.title for layer in trace.layers] == ["layer 1"]
    with pytest.raises(AttnvizError, match="layer 9 does not exist: the model has layers 0 to 1"):
        trace_model(network, read_by(network), layer="9")


def test_a_model_that_is_recorded_runs_once_from_the_second_text_on():
    network = recorded_model("Bloom")
    model, ran, done = Model.of(network), [], []
    hook = network.register_forward_pre_hook(lambda *_: ran.append(1))
    for _ in range(2):
        read(model, read_by(network), progress=lambda *far: done.append(far))
    hook.remove()
    assert len(ran) == 3  # watched, recorded; recorded
    assert done == [(1, 2), (2, 2)] * 2


def test_a_model_of_which_a_part_is_recorded():
    network = made(
        transformers.BigBirdPegasusConfig(
            vocab_size=330, d_model=32, encoder_layers=2, decoder_layers=2, encoder_attention_heads=4,
            decoder_attention_heads=4, encoder_ffn_dim=48, decoder_ffn_dim=48, attention_type="original_full",
        )
    )  # fmt: skip
    trace = trace_model(network, read_by(network))  # its decoder goes through the interface, its encoder does not
    assert [layer.title for layer in trace.layers] == [
        f"{stack} {number}" for stack in ("encoder", "decoder", "cross") for number in range(2)
    ]


def test_layers_that_read_something_beside_the_text_are_left_out():
    network = made(
        transformers.ProphetNetConfig(
            vocab_size=330, hidden_size=32, encoder_ffn_dim=48, decoder_ffn_dim=48, num_encoder_layers=2,
            num_decoder_layers=2, num_encoder_attention_heads=4, num_decoder_attention_heads=4, ngram=2,
            max_position_embeddings=64,
        )
    )  # fmt: skip
    trace = trace_model(network, read_by(network))  # its decoder reads two streams, each with a map of its own
    assert {layer.stack for layer in trace.layers} == {"encoder"}
    assert trace.source.unseen == ("decoder.layers.N.self_attn", "decoder.layers.N.cross_attn")
    assert trace.source.because == {}
