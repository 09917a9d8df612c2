"""A batch is watched as one layer, and each text cut out of it has the rule and the numbers that it has alone."""

from __future__ import annotations

import pytest
import torch
from tiny_models import model
from watched_models import eager_attentions

from attnviz import AttnvizError
from attnviz.sources.huggingface import batch_watch
from attnviz.sources.huggingface import watch as watch_module
from attnviz.sources.huggingface.batch_watch import BatchWatch, NeedsTraceError
from attnviz.sources.huggingface.switching import watched_by, watching
from attnviz.sources.recording.agreement import require_agreement as agree
from attnviz.sources.recording.sampled import LEAST, Comparison

LENGTHS = (9, 5, 9)
IDS = torch.randint(1, 300, (3, 9), generator=torch.Generator().manual_seed(0))


def batched(name: str, lengths=LENGTHS, ids=IDS, **options) -> BatchWatch:
    network = model(name)
    watch = BatchWatch(network, lengths=lengths, **options)
    there = torch.arange(ids.shape[1]) < torch.tensor(lengths)[:, None]
    with watched_by(watch), torch.inference_mode():
        network(input_ids=ids, attention_mask=there.long() if len({*lengths}) > 1 else None, use_cache=False)
    return watch


@pytest.mark.parametrize("lengths", [LENGTHS, (9, 9, 9)], ids=str)
@pytest.mark.parametrize("name", ["Llama", "Mistral", "Gemma2", "GptOss", "GPT2", "Bert", "ModernBert", "Albert"])
@pytest.mark.some(5)
def test_each_text_has_the_rule_and_the_numbers_that_it_has_alone(name, lengths):
    watch, network = batched(name, lengths), model(name)
    assert watch.checked == list(lengths)
    for text, length in enumerate(lengths):
        with watching(network) as alone, torch.inference_mode():
            network(input_ids=IDS[text : text + 1, :length], use_cache=False)
        for (mine, error), (theirs, _) in zip(watch.kept_of(text), alone.kept, strict=True):
            assert error < 1e-5
            assert mine.title == theirs.title
            assert (mine.rule.causal, mine.rule.window, mine.rule.softcap) == (
                theirs.rule.causal,
                theirs.rule.window,
                theirs.rule.softcap,
            )
            assert (mine.rotary, mine.rotation is None) == (theirs.rotary, theirs.rotation is None)
            assert mine.projections.keys() == theirs.projections.keys()
            torch.testing.assert_close(mine.steps().weights, theirs.steps().weights, rtol=1e-5, atol=1e-5)
            torch.testing.assert_close(mine.steps().output, theirs.steps().output, rtol=1e-5, atol=1e-5)


def test_a_wrong_rule_of_one_text_is_never_shown(monkeypatch):
    right, calls = batch_watch.call_rule, []

    def wrong(call, once):
        calls.append(call)
        rule = right(call, once)
        return rule if len(calls) != 2 else type(rule)(**{**vars(rule), "causal": False})

    monkeypatch.setattr(batch_watch, "call_rule", wrong)
    with pytest.raises(AttnvizError, match=r"^layer 0: attention recomputed"):
        batched("Llama")


@pytest.mark.parametrize("name", ["Llama", "Bert"])
def test_what_padding_sees_is_the_models_own_affair(monkeypatch, name):
    """Most models let padding look at what stands before it, which is compared with the rest; what others do decides nothing."""
    compared, right = [], watch_module.attention_output
    monkeypatch.setattr(
        batch_watch, "require_agreement", lambda *given, **options: compared.append(given) or agree(*given, **options)
    )
    usual = batched(name)
    assert len(compared) == len(usual.batched)  # one look at each layer
    monkeypatch.setattr(watch_module, "attention_output", lambda *given: scribbled(right(*given)))
    other = batched(name)
    assert len(compared) == 3 * len(usual.batched)
    assert other.checked == usual.checked == list(LENGTHS)
    for (mine, error), (theirs, _) in zip(other.kept_of(1), usual.kept_of(1), strict=True):
        assert error < 1e-5
        torch.testing.assert_close(mine.steps().output, theirs.steps().output, rtol=1e-5, atol=1e-5)


def scribbled(output: torch.Tensor) -> torch.Tensor:
    """With other numbers where the second text has its padding."""
    output[1, LENGTHS[1] :] = 7.0
    return output


def test_biases_of_texts_of_other_lengths_are_compared_too():
    """T5's encoder adds a bias by distance to what hides the padding."""
    network = model("T5").encoder
    watch = BatchWatch(network, lengths=LENGTHS)
    there = torch.arange(9) < torch.tensor(LENGTHS)[:, None]
    with watched_by(watch), torch.inference_mode():
        network(input_ids=IDS, attention_mask=there.long())
    with watching(network) as alone, torch.inference_mode():
        network(input_ids=IDS[1:2, :5])
    (mine, _), (theirs, _) = watch.kept_of(1)[1], alone.kept[1]
    torch.testing.assert_close(mine.steps().weights, theirs.steps().weights, rtol=1e-5, atol=1e-5)


def test_how_many_queries_of_each_text_were_compared_is_counted():
    ids = torch.randint(1, 300, (2, 3 * LEAST), generator=torch.Generator().manual_seed(1))
    watch = batched("Qwen2", (3 * LEAST, LEAST), ids, comparison=Comparison())
    assert watch.checked[0] == LEAST
    assert 5 < watch.checked[1] < LEAST


def test_what_is_no_attention_over_these_texts_is_refused():
    with pytest.raises(AttnvizError, match="attends to something else than these texts"):
        batched("Llama", (9, 9), IDS)


class Taken:
    """The weights of each layer, as they are handed on."""

    def __init__(self) -> None:
        self.layers = []

    def take(self, layer) -> None:
        self.layers.append(layer._replace(weights=layer.weights.clone()))

    def of_text(self, *_) -> None:
        raise AssertionError("nobody asks")


WEIGHED = ["Llama", "Mistral", "Gemma2", "Qwen3", "GPT2", "Bert", "ModernBert", "Albert"]


@pytest.mark.parametrize("lengths", [LENGTHS, (9, 9, 9), (9, 3, 1), (1, 1, 1)], ids=str)
@pytest.mark.parametrize("name", WEIGHED)
@pytest.mark.some(10)
def test_the_weights_that_are_handed_on_are_those_of_the_models_own_plain_code(name, lengths):
    """Of one token, too, and of a text that lies within the window: these tell less of the rule than longer ones."""
    network, taken = model(name), Taken()
    watch = batched(name, lengths, IDS[:, : max(lengths)], weighing=taken)
    assert watch.checked == list(lengths)
    assert watch.batched == []
    assert [layer.number for layer in taken.layers] == list(range(len(taken.layers)))
    for text, length in enumerate(lengths):
        expected = eager_attentions(network, {"input_ids": IDS[text : text + 1, :length]})
        assert len(expected) == len(taken.layers)
        for layer, weights in zip(taken.layers, expected, strict=True):
            torch.testing.assert_close(layer.weights[text, :, :length, :length], weights, rtol=1e-5, atol=1e-5)
            assert not layer.weights[text, :, :length, length:].any()
            visible = layer.visible.expand(len(lengths), 1, max(lengths), max(lengths))[text, 0, :length, :length]
            assert bool(weights[:, ~visible].eq(0).all())
            assert bool(visible.diagonal().all())


def test_layers_that_show_the_same_are_told_by_the_same_array():
    taken = Taken()
    batched("Llama", weighing=taken)
    assert taken.layers[0].visible is taken.layers[1].visible
    other = Taken()
    batched("Gemma2", weighing=other)  # a layer with a window, and one without
    assert other.layers[0].visible is not other.layers[1].visible


def test_weights_that_give_another_output_than_the_models_are_not_handed_on(monkeypatch):
    right = watch_module.attention_output

    def lying(*given):
        output = right(*given).clone()
        output[1, 4, 2] *= 1.01  # the last token of the second text, in one head
        return output

    monkeypatch.setattr(watch_module, "attention_output", lying)
    taken = Taken()
    with pytest.raises(AttnvizError, match=r"^layer 0: attention recomputed .* head 2 differs by"):
        batched("Llama", weighing=taken)
    assert taken.layers == []


@pytest.mark.parametrize("name", ["Llama", "Bert"])
def test_what_padding_gives_is_not_compared_with_weights_either(monkeypatch, name):
    right = watch_module.attention_output
    monkeypatch.setattr(watch_module, "attention_output", lambda *given: scribbled(right(*given)))
    taken = Taken()
    assert batched(name, weighing=taken).checked == list(LENGTHS)
    assert len(taken.layers) == 2


@pytest.mark.parametrize(
    "change",
    [{"scale": 0.2}, {"causal": False}, {"window": 3}, {"softcap": 1.0}],
    ids=lambda change: next(iter(change)),
)
def test_weights_by_a_wrong_rule_are_refused(monkeypatch, change):
    right = batch_watch.call_rule
    monkeypatch.setattr(
        batch_watch, "call_rule", lambda *given: type(rule := right(*given))(**{**vars(rule), **change})
    )
    with pytest.raises(AttnvizError, match=r"^layer 0: attention recomputed"):
        batched("Llama", weighing=Taken())


def test_sinks_and_biases_need_more_than_weights():
    with pytest.raises(NeedsTraceError, match=r"model\.layers\.0\.self_attn needs more than its weights"):
        batched("GptOss", weighing=Taken())
    network = model("T5").encoder
    watch = BatchWatch(network, lengths=LENGTHS, weighing=Taken())
    with pytest.raises(NeedsTraceError), watched_by(watch), torch.inference_mode():
        network(input_ids=IDS)


def test_texts_that_differ_in_more_than_length_need_more_than_weights(monkeypatch):
    right, calls = batch_watch.call_rule, []

    def another(call, once):
        calls.append(call)
        rule = right(call, once)
        return rule if len(calls) != 2 else type(rule)(**{**vars(rule), "causal": False})

    monkeypatch.setattr(batch_watch, "call_rule", another)
    with pytest.raises(NeedsTraceError):
        batched("Llama", weighing=Taken())


def test_texts_of_every_length_are_compared_at_once(monkeypatch):
    """A text within the window and one of a single token have rules of fewer words, which say the same."""
    compared = []
    monkeypatch.setattr(
        batch_watch, "require_agreement", lambda *given, **options: compared.append(given) or agree(*given, **options)
    )
    for name in ("Llama", "Mistral", "ModernBert"):
        compared.clear()
        watch = batched(name, (9, 3, 1))
        assert all(layer.rule.mask.shape[-2] == 1 for layer, _ in compared)  # not each text's own cells
        assert len(compared) == len(watch.batched)
