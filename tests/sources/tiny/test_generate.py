"""The tiny model writes: each step's rows are those of one run over the whole text."""

from __future__ import annotations

import time

import numpy
import pytest
from tiny_weights import drawn_weights

from attnviz.errors import AttnvizError
from attnviz.sources.tiny.generate import generate
from attnviz.sources.tiny.model import TinyModel
from attnviz.sources.tiny.trace import layers
from attnviz.trace.trace import load
from attnviz.trace.written import Sampling, Written, written_steps

TEXT = "the old wugs near the tree met a Queen . she"  # 11 words


@pytest.fixture(scope="module")
def model():
    """With numbers that nobody trained, and 40 positions."""
    return TinyModel(drawn_weights().astype("float64"))


@pytest.fixture(scope="module")
def shipped():
    return TinyModel.load()


def written(model, text=TEXT, tokens=6, **options):
    return generate(model, text, tokens, **{"alternatives": 5} | options)


@pytest.mark.parametrize("text", [TEXT, "dog"])
def test_the_steps_together_are_one_run_over_the_whole_text(model, text):
    trace = written(model, text)
    words = model.words(trace.tokens)
    run = model.run(model.embed(words))
    for layer, whole, one in zip(trace.layers, layers(model, words, run), run.layers, strict=True):
        assert numpy.abs(layer.steps().weights - one.weights).max() < 1e-6
        assert numpy.abs(layer.steps().output - one.output).max() < 1e-6
        for name in ("query", "key", "value", "inputs"):
            assert numpy.abs(getattr(layer, name) - getattr(whole, name)).max() < 1e-6
    assert len(trace.tokens) == len(words.tokens) == len(text.split()) + 5


def test_from_the_inputs_of_each_layer_to_those_of_the_next(model):
    first, second = written(model).layers
    added = first.projected(first.concat(first.steps().output))
    assert numpy.allclose(first.inputs + added, second.inputs, atol=1e-12)


def test_each_word_is_the_likeliest_after_the_words_before_it(model):
    trace = written(model)
    words = model.words(trace.tokens)
    logits = model.logits(model.run(model.embed(words)).stream)
    likeliest = [model.weights.words[number] for number in logits.argmax(-1)]
    assert list(trace.generation.chosen) == likeliest[10:]
    assert [position[0][0] for position in trace.predictions] == likeliest
    expected = numpy.exp(logits - numpy.logaddexp.reduce(logits, axis=-1, keepdims=True))
    told = [[share for _, share in position] for position in trace.predictions]
    assert numpy.abs(told - numpy.sort(expected)[:, :-6:-1]).max() < 1e-9
    assert list(trace.generation.probabilities) == pytest.approx([position[0] for position in told[10:]])


@pytest.mark.parametrize(
    ("text", "said"), [("the queen met the actor . she", "rules"), ("the dogs near the tree", "are")]
)
def test_the_model_in_the_package_goes_on_as_its_grammar_does(shipped, text, said):
    trace = written(shipped, text, 2)
    assert trace.generation.chosen[0] == said
    assert trace.generation.text.startswith(f" {said} ")
    assert tuple(shipped.encode(text + trace.generation.text).tokens) == (*trace.tokens, trace.generation.chosen[-1])


def test_white_space_at_the_end_of_a_text_is_not_doubled(shipped):
    assert written(shipped, "the dogs\n", 1).generation.text == written(shipped, "the dogs", 1).generation.text[1:]


def test_each_step_is_told_as_the_trace_tells_it_later(model):
    steps: list[tuple[Written, tuple]] = []
    trace = written(model, told=lambda step: steps.append((step, step.rows(2))))
    later = list(written_steps(trace))
    assert [step.step for step, _ in steps] == list(range(1, 7))
    for (step, rows), again in zip(steps, later, strict=True):
        assert (step.token, step.probability, step.predictions) == again[1:4]
        for row, other in zip(rows, again.rows(2), strict=True):
            assert (row.tokens, row.key_tokens) == (other.tokens, other.key_tokens)
            assert numpy.abs(row.steps().weights - other.steps().weights).max() < 1e-12


def test_each_step_tells_the_roles_that_are_known_of_the_heads(shipped):
    told: list[Written] = []
    trace = written(shipped, "the dog", 2, told=told.append)
    assert [one.role for one in trace.roles] == ["position", "syntax", "meaning", "copying"]
    assert [step.roles for step in told] == [trace.roles] * 2


def test_a_draw_is_kept_with_the_trace_and_another_seed_draws_otherwise(model):
    sampling = Sampling(temperature=30.0, seed=1)
    drawn = [written(model, sampling=one) for one in (sampling, sampling, sampling._replace(seed=2))]
    assert drawn[0].generation == drawn[1].generation != drawn[2].generation
    assert drawn[0].source["sampling"] == sampling._asdict()
    assert "sampling" not in written(model).source


def test_it_is_saved_and_read_again(model, tmp_path):
    trace = written(model)
    trace.save(tmp_path / "t.safetensors")
    read = load(tmp_path / "t.safetensors")
    assert (read.generation, read.predictions, read.source) == (trace.generation, trace.predictions, trace.source)


def test_words_that_are_spelled_are_told(model):
    said: list[str] = []
    written(model, notice=said.append)
    assert [one.startswith("the tiny model reads 2 of 11 words by their letters") for one in said] == [True]
    written(model, "the dog", notice=said.append)
    assert len(said) == 1


def test_all_positions_can_be_used_and_no_more(model):
    assert len(written(model, tokens=30).tokens) == 40
    with pytest.raises(
        AttnvizError, match="11 tokens before and 31 to be written are more than the 40 positions"
    ) as caught:
        written(model, tokens=31)
    assert caught.value.hint == "ask for at most 30"


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("", {}, "the text is empty"),
        (TEXT, {"chat": True}, "the tiny model has no chat template"),
        ([1, 2], {}, "the tiny model reads a text, and this is a list"),
        ("a " * 41, {}, "the text has 41 tokens but the tiny model has 40 positions"),
    ],
)
def test_what_cannot_be_written_is_one_line(model, text, options, message):
    with pytest.raises(AttnvizError, match=message):
        written(model, text, **options)


def test_what_a_listener_raises_comes_out_as_it_is(model):
    with pytest.raises(ZeroDivisionError):
        written(model, told=lambda _: 1 / 0)


def test_it_writes_500_words_a_second(shipped):
    def rate():
        began = time.process_time()
        trace = written(shipped, tokens=200)
        return len(trace.generation.chosen) / (time.process_time() - began)

    assert any(rate() > 500 for _ in range(5))  # on a processor that others use as well, a run may be slow
