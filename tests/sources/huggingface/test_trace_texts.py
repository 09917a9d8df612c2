"""Many texts that a model reads at once: each trace is that of its text alone, and the order is the input's."""

from __future__ import annotations

import re

import pytest
import torch
from tiny_models import model, tokenizer

from attnviz import AttnvizError
from attnviz.sources.given import Given
from attnviz.sources.huggingface import text_runs, trace_texts
from attnviz.sources.huggingface.model import Model
from attnviz.sources.huggingface.running import LacksMemoryError
from attnviz.sources.huggingface.trace_model import trace
from attnviz.sources.huggingface.trace_texts import Batches
from attnviz.sources.recording import comparing
from attnviz.sources.recording.output_projection import OutputProjections
from attnviz.sources.texts.length import Length

TEXTS = [
    "the cat sat on the mat",
    "a dog",
    "the cat sat on the mat",
    "your journey starts with one step",
    "",
    "the dog and the cat",
]
KINDS = [
    "Llama",
    "Mistral",
    "Gemma2",
    "GptOss",
    "Qwen2",
    "Qwen3",
    "GPT2",
    "Bert",
    "ModernBert",
    "Albert",
    "Splinter",
    "T5",
    "XLNet",
]


def loaded(name: str) -> Model:
    return Model.of(model(name), tokenizer())


def given(texts: list[str]) -> list[Given]:
    return [Given(text) for text in texts]


def require_equal(mine, theirs) -> None:
    assert mine.tokens == theirs.tokens
    assert [layer.title for layer in mine.layers] == [layer.title for layer in theirs.layers]
    for one, other in zip(mine.layers, theirs.layers, strict=True):
        rules = [(layer.rule.causal, layer.rule.window, layer.rule.softcap, layer.rule.scale) for layer in (one, other)]
        assert rules[0] == rules[1]
        if one.weights_alone:
            torch.testing.assert_close(one.weights, other.weights)
            continue
        for first, second in zip(one.steps(), other.steps(), strict=True):
            finite = torch.isfinite(second)
            assert torch.equal(torch.isfinite(first), finite)
            torch.testing.assert_close(first[finite], second[finite], rtol=1e-5, atol=1e-5)
        assert one.projections.keys() == other.projections.keys()
    assert mine.source.keys() == theirs.source.keys()
    assert mine.source["original"] == theirs.source["original"]


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.some(4)
def test_each_text_is_as_it_is_alone(name):
    read = loaded(name)
    batches = Batches(read, batch=4)
    answers = list(batches(given(TEXTS)))
    assert batches.apart is None
    assert [number for number, _ in answers] == list(range(len(TEXTS)))
    for (_, mine), text in zip(answers, TEXTS, strict=True):
        if text:
            require_equal(mine, trace(read, text))
        else:
            with pytest.raises(AttnvizError, match=f"^{re.escape(str(mine))}$"):
                trace(read, text)


def passes_of(monkeypatch) -> list[tuple[int, int]]:
    """The texts and tokens of each pass over several texts."""
    passes: list[tuple[int, int]] = []
    original = trace_texts.run
    monkeypatch.setattr(
        trace_texts,
        "run",
        lambda model, reading: passes.append(tuple(reading.inputs["input_ids"].shape)) or original(model, reading),
    )
    return passes


def test_texts_run_together(monkeypatch):
    """The shortest runs alone, to tell what the model does; and again with the two longest, to tell what padding does to it."""
    passes = passes_of(monkeypatch)
    batches = Batches(loaded("Llama"), batch=3)
    list(batches(given(TEXTS)))
    assert [count for count, _ in passes] == [3, 2]  # the fifth runs alone at first: one is empty
    assert batches.padded
    passes.clear()
    list(batches(given(TEXTS)))
    assert [count for count, _ in passes] == [3, 2]


def test_what_the_outputs_are_multiplied_with_is_looked_for_in_one_batch_and_known_in_all(monkeypatch):
    looked = []
    monkeypatch.setattr(OutputProjections, "awaits", awaited(looked, OutputProjections.awaits))
    batches = Batches(loaded("Llama"), batch=2)
    answers = [answer for _, answer in batches(given([*TEXTS[:4], TEXTS[5]]))]
    assert looked.count(True) == sum(
        len(answer.layers) for answer in answers[:2]
    )  # of the text that runs alone, and a batch
    for answer, text in zip(answers, [*TEXTS[:4], TEXTS[5]], strict=True):
        for mine, theirs in zip(answer.layers, trace(loaded("Llama"), text).layers, strict=True):
            assert mine.projections["output"].weight.data_ptr() == theirs.projections["output"].weight.data_ptr()


def awaited(looked: list[bool], original):
    """``original``, whose answers are noted."""

    def awaits(self, of):
        looked.append(original(self, of))
        return looked[-1]

    return awaits


@pytest.mark.parametrize(
    "error", [MemoryError(), RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory")]
)
def test_a_batch_that_does_not_fit_is_halved_and_the_next_is_no_larger(monkeypatch, error):
    usual = [answer for _, answer in Batches(loaded("Llama"))(given(TEXTS))]
    passes, run = passes_of(monkeypatch), trace_texts.run
    batches = Batches(loaded("Llama"), batch=5)
    list(batches(given(TEXTS)))  # the first batch has one text more
    passes.clear()

    def run_small(model, reading):
        run(model, reading)
        if len(reading.inputs["input_ids"]) > 2:
            raise error

    monkeypatch.setattr(trace_texts, "run", run_small)
    for some in ([5, 2, 3], []):  # the second time none is too large
        found = list(batches(given(TEXTS)))
        assert [number for number, _ in found] == list(range(len(TEXTS)))
        for mine, (_, theirs) in zip(usual, found, strict=True):
            if not isinstance(mine, AttnvizError):
                require_equal(mine, theirs)
        counts = [count for count, _ in passes]
        assert counts[: len(some)] == some
        assert all(count <= 2 for count in counts[len(some) :])
        passes.clear()
    assert batches.apart is None


def test_what_lacks_memory_when_it_is_compared_behind_its_pass_is_one_text_and_the_next_runs(monkeypatch):
    original = comparing.require_agreement_at

    def lacking(queries, layer, *arguments, **options):
        if layer.queries > 4:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory")
        return original(queries, layer, *arguments, **options)

    monkeypatch.setattr(comparing, "require_agreement_at", lacking)
    found = [answer for _, answer in Batches(loaded("Llama"), batch=1)(given(["the cat", "the cat " * 9, "the cat"]))]
    assert [isinstance(one, LacksMemoryError) for one in found] == [False, True, False]


def test_an_error_that_says_nothing_of_memory_is_none_of_it(monkeypatch):
    batches = Batches(loaded("Llama"))
    list(batches(given(TEXTS)))

    def fails(*_):
        raise RuntimeError("something else")

    monkeypatch.setattr(trace_texts, "run", fails)
    with pytest.raises(RuntimeError, match="something else"):
        list(batches(given(TEXTS)))


def test_layers_are_chosen_and_one_that_is_none_is_told_before_the_model_runs():
    read = loaded("Llama")
    ((_, one), (_, other)) = Batches(read, layer=["1"])(given(["the cat", "a dog sat"]))
    assert [layer.index for layer in (*one.layers, *other.layers)] == [1, 1]
    with pytest.raises(AttnvizError, match="layer 7"):
        Batches(read, layer=["7"])


def test_where_padding_leaks_texts_of_one_length_alone_run_together(monkeypatch):
    monkeypatch.setattr(text_runs, "_near", lambda *_: False)
    read = loaded("Llama")
    trace(read, "a")
    batches = Batches(read, batch=8)
    answers = dict(batches(given(TEXTS)))
    assert batches.padded is False
    again = dict(batches(given(TEXTS)))
    for place, text in enumerate(TEXTS):
        if text:
            require_equal(answers[place], trace(read, text))
            require_equal(again[place], trace(read, text))


def test_a_text_that_cannot_be_read_tells_its_own_error():
    read = loaded("GPT2")
    long = "the cat " * 80
    answers = [answer for _, answer in Batches(read)(given(["a cat", long, "the dog"]))]
    assert isinstance(answers[1], AttnvizError)
    assert "positions of this model" in str(answers[1])
    assert [type(answer).__name__ for answer in (answers[0], answers[2])] == ["Trace", "Trace"]


def test_a_model_whose_batches_fail_reads_each_text_by_itself(monkeypatch):
    def fails(*_):
        raise AttnvizError("no batch")

    monkeypatch.setattr(Batches, "_together", fails)
    batches = Batches(loaded("Llama"), batch=2)
    answers = dict(batches(given(TEXTS[:4])))
    assert str(batches.apart) == "no batch"
    for place, text in enumerate(TEXTS[:4]):
        require_equal(answers[place], trace(loaded("Llama"), text))


def test_no_more_is_held_than_memory_allows_and_the_order_stays(monkeypatch):
    several = Batches(loaded("Llama"), batch=2)
    usual = [answer for _, answer in several(given(TEXTS))]
    runs: list[int] = []
    monkeypatch.setattr(trace_texts, "allowance", lambda: 4 * 7 * several.at_once.bytes_a_token())
    monkeypatch.setattr(
        several, "_sorted", lambda texts, report, run=several._sorted: (runs.append(len(texts)), run(texts, report))[1]
    )
    found = list(several(given(TEXTS)))
    assert [number for number, _ in found] == list(range(len(TEXTS)))
    assert len(runs) > 1
    for mine, (_, theirs) in zip(usual, found, strict=True):
        if not isinstance(mine, AttnvizError):
            require_equal(mine, theirs)


def test_a_text_that_is_too_long_is_told_or_cut():
    most = len(trace(loaded("Llama"), "a dog").tokens)
    answers = [
        answer for _, answer in Batches(loaded("Llama"), length=Length(most))(given(["a dog", "a dog and a cat"]))
    ]
    assert isinstance(answers[1], AttnvizError)
    assert f"more than the {most} that are asked for" in str(answers[1])
    cut = [answer for _, answer in Batches(loaded("Llama"), length=Length(most, True))(given(["a dog and a cat"]))]
    assert len(cut[0].tokens) == most
    assert "a dog and a cat".startswith(cut[0].source.original)
    require_equal(cut[0], trace(loaded("Llama"), cut[0].source.original))


def test_how_many_texts_are_worth_reading_ahead():
    assert Batches(loaded("Llama"), batch=2).ahead == 2 * trace_texts.AHEAD
    assert Batches(loaded("Llama"), batch=1).ahead == Batches(loaded("T5")).ahead == 1
