"""A model's answers to many cases: the same as to each alone, with each head by torch's own hooks."""

from __future__ import annotations

from dataclasses import replace

import numpy
import pytest
import torch
from asked_models import CAUSAL, HEADS, LAYERS, asked, drawn_cases, logits, outputs, replaced

from attnviz import AttnvizError
from attnviz.sources.huggingface import answers as answers_module
from attnviz.sources.huggingface.answers import Answers
from attnviz.sources.huggingface.wording import cut, first_token
from attnviz.trace.asking import Case

QUICK = ["Llama"]
SLOW = [name for name in CAUSAL if name not in QUICK]
SHAPE = (LAYERS, HEADS)
HEAD_LIST = list(numpy.ndindex(SHAPE))


def ids(one, words):
    return cut(one.tokenizer, words).ids


def choice(said, sayable) -> int:
    return int(sayable[said[sayable].argmax()])


def said_by(name):
    """Cases that a model, which nobody trained, answers right, as do their pairs: what it says is made the answer."""
    one = asked(name)
    cases = drawn_cases(6)
    words = {}
    for case in cases:
        for word in (case.answer, case.other_answer):
            words.setdefault(first_token(one.tokenizer, word), word)
    sayable = numpy.array(sorted(words))
    return one, [
        replace(
            case,
            answer=words[choice(logits(one, ids(one, case.tokens)), sayable)],
            other_answer=words[choice(logits(one, ids(one, case.pair)), sayable)],
        )
        for case in cases
    ]


@pytest.fixture(scope="module", params=QUICK + [pytest.param(name, marks=pytest.mark.slow) for name in SLOW])
def answered(request):
    one, cases = said_by(request.param)
    return one, cases, Answers(one, SHAPE, True, cases, together=64)


def test_a_model_that_says_the_answer_is_right(answered):
    _, _, answers = answered
    assert answers.right().all()


def test_an_answer_less_likely_than_another_is_wrong(answered):
    one, cases, answers = answered
    wrong = [replace(case, answer=case.other_answer, other_answer=case.answer) for case in cases]
    differ = answers.answers != answers.others
    assert differ.any()
    assert Answers(one, SHAPE, True, wrong).right().tolist() == (~differ).tolist()


def test_each_head_is_ablated_as_a_hook_does_it(answered):
    one, cases, answers = answered
    sums, count = answers.outputs()
    means = sums / count
    found = answers.ablated(means, HEAD_LIST)
    for head, right in zip(HEAD_LIST, found, strict=True):
        value = torch.tensor(means[head], dtype=torch.float32)
        expected = [
            choice(replaced(one, ids(one, case.tokens), head, value), answers.sayable) == answer
            for case, answer in zip(cases, answers.answers, strict=True)
        ]
        assert right.tolist() == expected
    assert 0.3 < found.mean() < 1  # some matter


def test_each_head_is_patched_as_a_hook_does_it(answered):
    one, cases, answers = answered
    found = answers.flipped(HEAD_LIST)
    for place, case in enumerate(cases):
        of_pair = [outputs(one, ids(one, case.pair), layer)[-1] for layer in range(LAYERS)]  # (heads, d_v) each
        for head, flipped in zip(HEAD_LIST, found, strict=True):
            patched = replaced(one, ids(one, case.tokens), head, of_pair[head[0]][head[1]], -1)
            turned = answers.answers[place] != answers.others[place] == choice(patched, answers.sayable)
            assert flipped[place] == turned
    differ = answers.answers != answers.others
    assert 0 < found[:, differ].mean() < 1


def test_an_answer_that_is_the_pairs_before_does_not_turn(answered):
    one, cases, _ = answered
    wrong = [replace(case, answer=case.other_answer, other_answer=case.answer) for case in cases]
    assert not Answers(one, SHAPE, True, [replace(case, pair=case.tokens) for case in wrong]).flipped([(0, 0)]).any()


def test_together_is_as_one_at_a_time(answered):
    one, cases, answers = answered
    each = [Answers(one, SHAPE, True, [case]) for case in cases]
    assert answers.distances().tolist() == [single.distances()[0].tolist() for single in each]
    assert answers.queries() == sum(single.queries() for single in each)
    assert (answers.looks() == numpy.concatenate([single.looks() for single in each], -1)).all()
    assert (answers.word_before() == sum(single.word_before() for single in each)).all()
    sums, count = answers.outputs()
    numpy.testing.assert_allclose(sums, sum(single.outputs()[0] for single in each), rtol=1e-4, atol=1e-4)
    assert count == sum(single.outputs()[1] for single in each)
    assert len(answers.batches) < len(cases)


def test_a_row_has_one_weight_for_each_word(answered):
    one, cases, answers = answered
    model_of = one.model
    head = (1, 2)
    rows = answers.rows(head)
    before = model_of.config._attn_implementation
    model_of.set_attn_implementation("eager")
    try:
        for case, row in list(zip(cases, rows, strict=True))[:4]:
            whole = cut(one.tokenizer, case.tokens)
            with torch.no_grad():
                own = model_of(torch.tensor([whole.ids]), output_attentions=True).attentions[1][0, 2, whole.question]
            expected = [float(own[list(tokens)].sum()) for tokens in whole.words]
            numpy.testing.assert_allclose(row, expected, atol=1e-5)
            assert len(row) == len(case.tokens)
            assert row.sum() < 1  # the first token is special, and is no word
    finally:
        model_of.set_attn_implementation(before)


def test_a_case_counts_where_both_answers_can_be_said_and_differ():
    case = Case(
        "syntax", ("the", "dogs", "near", "the", "tree"), "are", 1, ("the", "dog", "near", "the", "tree"), "is", True
    )
    cases = [
        case,
        replace(case, hard=False),
        replace(case, answer="żółw"),
        replace(case, other_answer="żółw"),
        replace(case, answer="wum", other_answer="wug"),  # both begin with w
    ]
    assert Answers(asked("Llama"), SHAPE, True, cases).counted().tolist() == [True, False, False, False, False]


def test_where_no_answer_can_be_said_none_is_right():
    cases = [replace(case, answer="żółw", other_answer="żółw") for case in drawn_cases()[:2]]
    assert Answers(asked("Llama"), SHAPE, True, cases).right().tolist() == [False, False]


def test_all_heads_of_a_small_model_are_tried():
    assert Answers(asked("Llama"), SHAPE, True, drawn_cases()).candidates(numpy.zeros((*SHAPE, 8))) == HEAD_LIST


def test_of_a_large_model_the_promising_heads_are_tried(monkeypatch):
    monkeypatch.setattr(answers_module, "FEW", 7)
    seen = {}

    def estimated(_, texts, answers, others, __):
        seen.update(count=sum(len(batch.places) for batch in texts), answers=answers, others=others)
        return numpy.zeros(SHAPE)

    monkeypatch.setattr(answers_module, "estimated_losses", estimated)
    monkeypatch.setattr(answers_module, "candidates", lambda hits, losses: [hits.shape, losses.shape])
    one = Answers(asked("Llama"), SHAPE, True, drawn_cases())
    assert one.candidates(numpy.zeros((*SHAPE, 8))) == [SHAPE, SHAPE]
    counted = one.counted()
    assert seen["count"] == counted.sum() < len(counted)
    assert seen["answers"].tolist() == one.answers[counted].tolist()
    assert seen["others"].tolist() == one.others[counted].tolist()


def test_what_does_not_fit_the_model_is_refused():
    long = Case("copying", ("dog",) * 70, "dog", 1, ("dog",) * 70, "cat", True)
    with pytest.raises(AttnvizError, match="the text has 71 tokens, more than the 64 positions"):
        Answers(asked("Llama"), SHAPE, True, [long])


def test_an_encoder_is_asked_before_its_last_special_token():
    one = Answers(asked("Bert"), SHAPE, False, drawn_cases())
    assert all(cut.question == len(cut.ids) - 2 for cut in one.cuts)
    assert one.looks().shape == (*SHAPE, len(drawn_cases()))
    assert one.queries() == sum(len(cut.ids) - 1 for cut in one.cuts)
    row = one.rows((0, 1))[0]
    assert 0 < row.sum() < 1
