"""What a model does with many texts is what it does with each alone, by its own plain code and torch's hooks."""

from __future__ import annotations

import copy

import numpy
import pytest
import torch
import transformers
from asked_models import CAUSAL, HEADS, LAYERS, asked, drawn_cases, logits, outputs

from attnviz.sources.huggingface.passes import batches
from attnviz.sources.huggingface.whole import NOTHING, likeliest, whole
from attnviz.sources.huggingface.wording import cut

SAYABLE = numpy.arange(40, 90)


@pytest.fixture(scope="module", params=[*CAUSAL, "Bert"])
def looked(request):
    """A model, its texts, and what it does with all of them together."""
    one = asked(request.param)
    cases = drawn_cases()
    cuts = [cut(one.tokenizer, case.tokens) for case in cases]
    trues = [each.words[case.true] for each, case in zip(cuts, cases, strict=True)]
    texts = batches([(each.ids, each.question) for each in cuts], together=64)
    sayable = None if request.param == "Bert" else SAYABLE
    return one, cuts, trues, whole(one, (LAYERS, HEADS), texts, trues, sayable)


def test_where_heads_look_is_where_the_models_plain_code_looks(looked):
    one, cuts, trues, found = looked
    eager = copy.deepcopy(one.model)
    eager.set_attn_implementation("eager")
    before = numpy.zeros((LAYERS, HEADS), int)
    for place, (each, true) in enumerate(zip(cuts, trues, strict=True)):
        with torch.no_grad():
            weights = torch.stack(eager(torch.tensor([each.ids]), output_attentions=True).attentions)[:, 0]
        largest = weights.argmax(-1)  # (layers, heads, queries)
        expected = [[int(key) in true for key in layer] for layer in largest[:, :, each.question]]
        assert found.hits[:, :, place].tolist() == expected
        before += (largest[:, :, 1:] == torch.arange(len(each.ids) - 1)).sum(-1).numpy()
    assert found.before.tolist() == before.tolist()
    assert 0 < found.hits.mean() < 1


def test_what_heads_write_is_summed_over_all_tokens(looked):
    one, cuts, _, found = looked
    if one.name == "Bert":  # its projection stands elsewhere; the same code sums
        return
    for layer in range(LAYERS):
        expected = sum(outputs(one, each.ids, layer).double().sum(0) for each in cuts)  # (heads, d_v)
        numpy.testing.assert_allclose(found.sums[layer], expected, rtol=1e-4, atol=1e-4)


def test_the_likeliest_of_the_sayable_tokens_is_chosen(looked):
    one, cuts, _, found = looked
    if one.name == "Bert":
        assert set(found.chosen) == {NOTHING}
        return
    asked_of = [each.ids for each in cuts]
    assert found.chosen.tolist() == [int(SAYABLE[logits(one, ids)[SAYABLE].argmax()]) for ids in asked_of]


def test_of_no_token_none_is_chosen():
    made = transformers.utils.ModelOutput(logits=torch.zeros(3, 1, 9))
    assert likeliest(made, numpy.array([], int)).tolist() == [NOTHING] * 3


def test_layers_of_narrower_heads_are_filled_up():
    from attnviz.sources.huggingface.whole import _Looking

    looking = _Looking((2, 1), [range(1)])
    looking._sums = {0: numpy.ones((1, 3)), 1: numpy.ones((1, 2))}
    assert looking.sums().tolist() == [[[1, 1, 1]], [[1, 1, 0]]]
