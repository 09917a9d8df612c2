"""Many questions at once: the same as one at a time, each head on its own."""

from __future__ import annotations

import numpy
import pytest
from tiny_weights import drawn_weights

from attnviz.sources.tiny.answers import Answers
from attnviz.sources.tiny.grammar import ROLES, Grammar
from attnviz.sources.tiny.model import Replaced, TinyModel

LAYERS, HEADS = 2, 3


@pytest.fixture(scope="module")
def model():
    return TinyModel(drawn_weights().astype("float64"))


@pytest.fixture(scope="module")
def cases():
    grammar = Grammar("answers")
    drawn = [case for role in ROLES for case in grammar.cases(role, 12)]
    return drawn[::2] + drawn[1::2]  # of all lengths, in no order


@pytest.fixture(scope="module")
def answers(model, cases):
    """In several batches."""
    made = Answers(model, cases, together=7)
    assert len(made.batches) == 7
    return made


def run(model, tokens, replaced=None):
    return model.run(model.embed(model.words(tokens)), replaced=replaced)


def chosen(model, one):
    return model.weights.words[int(model.logits(one.stream[-1]).argmax())]


def test_each_answer_is_that_of_its_text_alone(model, cases, answers):
    assert answers.right().tolist() == [chosen(model, run(model, case.tokens)) == case.answer for case in cases]


def test_a_model_that_says_the_answer_is_right(model, cases):
    """Nobody trained these weights: the answers are made theirs."""
    from dataclasses import replace

    said = [replace(case, answer=chosen(model, run(model, case.tokens))) for case in cases]
    assert Answers(model, said).right().all()


def test_a_head_looks_where_its_weight_is_largest_at_the_question(model, cases, answers):
    looks = answers.looks()
    assert looks.shape == (LAYERS, HEADS, len(cases))
    for place, case in enumerate(cases):
        one = run(model, case.tokens)
        for layer in range(LAYERS):
            assert looks[layer, :, place].tolist() == one.layers[layer].weights[:, -1].argmax(-1).tolist()


def test_means_are_over_all_tokens_of_all_texts(model, cases, answers):
    outputs = [run(model, case.tokens).layers for case in cases]
    for layer in range(LAYERS):
        every = numpy.concatenate([one[layer].output for one in outputs], axis=1)  # (heads, all tokens, d_v)
        assert numpy.allclose(answers.means()[layer], every.mean(1))


def test_ablated_answers_are_those_of_whole_runs_with_the_mean_in_place(model, cases, answers):
    means = answers.means()
    ablated = answers.ablated(means)
    assert ablated.shape == (LAYERS, HEADS, len(cases))
    differing = 0
    for layer in range(LAYERS):
        for head in range(HEADS):
            replaced = {(layer, head): Replaced(means[layer, head])}
            words = [chosen(model, run(model, case.tokens, replaced)) for case in cases]
            right = [word == case.answer for word, case in zip(words, cases, strict=True)]
            assert ablated[layer, head].tolist() == right
            differing += sum(
                word != chosen(model, run(model, case.tokens)) for word, case in zip(words, cases, strict=True)
            )
    assert differing > 0


def test_flipped_answers_are_those_of_runs_with_the_pairs_output_at_the_question(model, cases):
    """Answers that these weights do give, so that some flip: what the patched run says is called the pair's answer."""
    from dataclasses import replace

    layer, head = 1, 2
    said = []
    for case in cases:
        other = run(model, case.pair).layers[layer].output[head, -1]
        at = numpy.arange(len(case.tokens)) == len(case.tokens) - 1
        patched = run(model, case.tokens, {(layer, head): Replaced(other, at)})
        said.append(replace(case, other_answer=chosen(model, patched)))
    assert Answers(model, said).flipped()[layer, head].all()


@pytest.mark.parametrize("layer", range(LAYERS))
def test_flips_are_counted_for_each_head_on_its_own(model, cases, answers, layer):
    flipped = answers.flipped()
    assert flipped.shape == (LAYERS, HEADS, len(cases))
    for head in range(HEADS):
        for place, case in enumerate(cases):
            other = run(model, case.pair).layers[layer].output[head, -1]
            at = numpy.arange(len(case.tokens)) == len(case.tokens) - 1
            patched = run(model, case.tokens, {(layer, head): Replaced(other, at)})
            assert flipped[layer, head, place] == (chosen(model, patched) == case.other_answer)


def test_the_model_in_the_package_answers_a_thousand_questions_of_each_role_in_seconds():
    import time

    model = TinyModel.load("float32")
    began = time.process_time()
    for role in ROLES:
        some = Answers(model, Grammar("time").cases(role, 100))
        some.ablated(some.means())
        some.flipped()
    assert time.process_time() - began < 2.0
