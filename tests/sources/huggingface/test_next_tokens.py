"""What a captured model thinks comes next: its own logits, of the very pass, however the texts run."""

from __future__ import annotations

import pytest
import torch
import transformers
from tiny_models import model, tokenizer
from writing_models import WRITERS

import attnviz
from attnviz import AttnvizError
from attnviz.sources.huggingface import next_tokens, predictions
from attnviz.sources.huggingface.inputs import Reading
from attnviz.sources.huggingface.model import Model
from attnviz.sources.huggingface.next_tokens import NextTokens, foreseen

TEXT = "the cat sat on the mat"


def expected(network, inputs, count):
    """The ids and the probabilities of the likeliest tokens after each position, by transformers and torch alone."""
    with torch.inference_mode():
        logits = network(**inputs).logits[0]
    return torch.softmax(logits.double(), -1).topk(count)


@pytest.mark.parametrize("name", WRITERS)
def test_they_are_the_models_own_after_each_position(name):
    network = model(name)
    trace = attnviz.trace_model(network, TEXT, tokenizer=tokenizer(), predictions=3)
    ids = {"input_ids": torch.tensor([trace.source.text.ids])}
    if network.config.is_encoder_decoder:
        ids["decoder_input_ids"] = torch.tensor([trace.source.target.ids])
    shares, numbers = expected(network, ids, 3)
    assert len(trace.predictions) == len(shares)
    for said, values, of_position in zip(trace.predictions, shares, numbers, strict=True):
        assert [share for _, share in said] == pytest.approx(values.tolist(), abs=1e-6)
        assert len({label for label, _ in said}) == len(set(of_position.tolist()))
    assert not attnviz.trace_model(network, TEXT, tokenizer=tokenizer()).predictions


def test_a_token_is_called_as_it_is_in_the_text():
    trace = attnviz.trace_model(model("Llama"), TEXT, tokenizer=tokenizer(), predictions=330)
    for position in trace.predictions:
        assert set(trace.tokens) <= {label for label, _ in position}
        assert sum(share for _, share in position) == pytest.approx(1, abs=1e-5)


def test_a_model_that_is_recorded_foretells_too():
    torch.manual_seed(0)
    sizes = {"vocab_size": 60, "hidden_size": 16, "n_layer": 2, "n_head": 2}
    network = transformers.BloomForCausalLM(transformers.BloomConfig(**sizes)).eval()
    trace = attnviz.trace_model(network, [3, 5, 7, 9], predictions=2)
    shares, numbers = expected(network, {"input_ids": torch.tensor([[3, 5, 7, 9]])}, 2)
    assert [[label for label, _ in one] for one in trace.predictions] == [
        list(map(str, one)) for one in numbers.tolist()
    ]
    assert trace.predictions[-1][0][1] == pytest.approx(float(shares[-1, 0]), abs=1e-6)


def test_texts_that_run_together_have_each_its_own():
    texts = [TEXT, "the cat", "Your journey starts", "the mat sat on the cat"]
    together = attnviz.trace_model(model("Llama"), texts, tokenizer=tokenizer(), predictions=2)
    for text, trace in zip(texts, together, strict=True):
        alone = attnviz.trace_model(model("Llama"), text, tokenizer=tokenizer(), predictions=2)
        for mine, theirs in zip(trace.predictions, alone.predictions, strict=True):
            assert [label for label, _ in mine] == [label for label, _ in theirs]
            assert [share for _, share in mine] == pytest.approx([share for _, share in theirs], abs=1e-6)


def test_the_logits_of_a_long_text_are_compared_some_rows_at_a_time(monkeypatch):
    whole = attnviz.trace_model(model("Llama"), TEXT, tokenizer=tokenizer(), predictions=2).predictions
    for module in (next_tokens, predictions):
        monkeypatch.setattr(module, "MOST", 2 * 330)
    assert attnviz.trace_model(model("Llama"), TEXT, tokenizer=tokenizer(), predictions=2).predictions == whole


def test_they_go_along_into_a_file_and_into_json(tmp_path):
    trace = attnviz.trace_model(model("Llama"), "the cat", tokenizer=tokenizer(), predictions=1)
    trace.save(tmp_path / "t.safetensors")
    assert attnviz.load(tmp_path / "t.safetensors").predictions == trace.predictions
    assert '"predictions":[[[' in trace.to_json()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"model": "Bert"}, "cannot write on"),
        ({"model": "Llama", "predictions": 0}, "predictions is 0: expected a whole number, 1 or more"),
        ({"model": "T5", "layer": "encoder 0"}, "the layers that write, and none of them is kept"),
    ],
)
def test_what_predicts_nothing_is_one_line(given, message):
    options = {"predictions": 2, "tokenizer": tokenizer()} | given
    with pytest.raises(AttnvizError, match=message):
        attnviz.trace_model(model(options.pop("model")), TEXT, **options)


def test_logits_that_do_not_fit_into_memory_are_told_before_the_model_runs(monkeypatch):
    def lacks(count, what, hint):
        raise AttnvizError("{what}: {count}", hint, what=what, count=count)

    monkeypatch.setattr(next_tokens, "require_memory", lacks)
    with pytest.raises(AttnvizError, match=rf"predicting 2 tokens: {4 * 2 * 2 * 330}"):
        attnviz.trace_model(model("Llama"), [3, 4], predictions=1)


def test_nothing_is_left_hooked():
    network = Model.of(model("Llama"), tokenizer())
    with foreseen(network, 2) as found:
        assert isinstance(found, NextTokens)
        assert network.model._forward_pre_hooks
    assert not network.model._forward_hooks
    assert not network.model._forward_pre_hooks
    with foreseen(network, None) as nothing:
        assert nothing is None


def test_a_model_that_reads_no_ids_is_told():
    trace = attnviz.trace_model(model("Llama"), [3, 4])
    with pytest.raises(AttnvizError, match="there are no input_ids"):
        next_tokens.predicted(trace, NextTokens(Model.of(model("Llama")), 1), Reading({}))
