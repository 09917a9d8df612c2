"""Many questions at once: the same as one at a time, each head on its own."""

from __future__ import annotations

import numpy
import pytest
from tiny_weights import drawn_weights

from attnviz.sources.tiny.answers import Answers
from attnviz.sources.tiny.grammar import Grammar
from attnviz.sources.tiny.model import Replaced, TinyModel
from attnviz.trace.asking import ROLES

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


def every_head():
    return list(numpy.ndindex(LAYERS, HEADS))


def means_of(answers):
    sums, tokens = answers.outputs()
    return sums / tokens


def test_a_head_hits_where_its_weight_is_largest_at_the_question_on_the_true_word(model, cases, answers):
    looks = answers.looks()
    assert looks.shape == (LAYERS, HEADS, len(cases))
    for place, case in enumerate(cases):
        one = run(model, case.tokens)
        for layer in range(LAYERS):
            assert (
                looks[layer, :, place].tolist() == (one.layers[layer].weights[:, -1].argmax(-1) == case.true).tolist()
            )
    assert 0 < looks.mean() < 1


def test_the_weights_at_the_question_are_told_word_by_word(model, cases, answers):
    for row, case in zip(answers.rows((1, 2)), cases, strict=True):
        assert row.shape == (len(case.tokens),)
        assert numpy.allclose(row, run(model, case.tokens).layers[1].weights[2, -1])


def test_how_far_back_the_true_word_stands(cases, answers):
    assert answers.distances().tolist() == [[len(case.tokens) - 1 - case.true] * 2 for case in cases]


def test_looks_at_the_word_before_are_counted_over_all_tokens_but_the_first(model, cases, answers):
    expected = numpy.zeros((LAYERS, HEADS), int)
    for case in cases:
        for layer, one in enumerate(run(model, case.tokens).layers):
            for query in range(1, len(case.tokens)):
                expected[layer] += one.weights[:, query].argmax(-1) == query - 1
    assert answers.word_before().tolist() == expected.tolist()
    assert answers.queries() == sum(len(case.tokens) - 1 for case in cases)
    assert 0 < expected.sum() < answers.queries() * LAYERS * HEADS


def test_only_hard_cases_that_the_model_can_answer_are_counted(model, cases):
    from dataclasses import replace

    one = next(case for case in cases if case.hard and {case.answer, case.other_answer} <= model.ids.keys())
    some = [one, replace(one, hard=False), replace(one, answer="wug"), replace(one, other_answer="wug")]
    assert Answers(model, some).counted().tolist() == [True, False, False, False]


def test_outputs_are_summed_over_all_tokens_of_all_texts(model, cases, answers):
    outputs = [run(model, case.tokens).layers for case in cases]
    for layer in range(LAYERS):
        every = numpy.concatenate([one[layer].output for one in outputs], axis=1)  # (heads, all tokens, d_v)
        assert numpy.allclose(means_of(answers)[layer], every.mean(1))


def test_all_heads_of_so_small_a_model_are_tried(answers):
    assert list(answers.candidates(means_of(answers))) == every_head()


def test_ablated_answers_are_those_of_whole_runs_with_the_mean_in_place(model, cases, answers):
    means = means_of(answers)
    ablated = answers.ablated(means, every_head())
    assert ablated.shape == (LAYERS * HEADS, len(cases))
    differing = 0
    for found, head in zip(ablated, every_head(), strict=True):
        replaced = {head: Replaced(means[head])}
        words = [chosen(model, run(model, case.tokens, replaced)) for case in cases]
        assert found.tolist() == [word == case.answer for word, case in zip(words, cases, strict=True)]
        differing += sum(
            word != chosen(model, run(model, case.tokens)) for word, case in zip(words, cases, strict=True)
        )
    assert differing > 0


def patched(model, case, layer, head):
    other = run(model, case.pair).layers[layer].output[head, -1]
    at = numpy.arange(len(case.tokens)) == len(case.tokens) - 1
    return chosen(model, run(model, case.tokens, {(layer, head): Replaced(other, at)}))


def test_flipped_answers_are_those_of_runs_with_the_pairs_output_at_the_question(model, cases):
    """Answers that these weights do give, so that some flip: what the patched run says is called the pair's answer."""
    from dataclasses import replace

    said = [replace(case, other_answer=patched(model, case, 1, 2)) for case in cases]
    already = [one.other_answer == chosen(model, run(model, one.tokens)) for one in said]
    assert not all(already)
    assert Answers(model, said).flipped([(1, 2)]).tolist() == [[not one for one in already]]


def test_flips_are_counted_for_each_head_on_its_own(model, cases, answers):
    flipped = answers.flipped(every_head())
    assert flipped.shape == (LAYERS * HEADS, len(cases))
    for found, head in zip(flipped, every_head(), strict=True):
        assert found.tolist() == [
            patched(model, case, *head) == case.other_answer != chosen(model, run(model, case.tokens)) for case in cases
        ]
