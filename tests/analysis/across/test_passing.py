"""What one layer hands on: rows that add up to 1, whatever its heads, its rule and its weights are."""

import numpy
import pytest
from contributions import norms
from followed_traces import RULES, layered

from attnviz import AttnvizError, Layer, Rule
from attnviz.analysis.across.passing import Passing
from attnviz.choices import HeadsAs

BY_HAND = {
    HeadsAs.MEAN: lambda layer: layer.steps().weights.mean(axis=0),
    HeadsAs.MAX: lambda layer: layer.steps().weights.max(axis=0),
    HeadsAs.CONTRIBUTION: lambda layer: norms(layer).sum(axis=0),
}


def handed_on(passing):
    """The whole matrix, (tokens, tokens), and which pairs are seen."""
    tokens = passing.layer.queries
    matrix, seen = numpy.zeros((tokens, tokens)), numpy.zeros((tokens, tokens), dtype=bool)
    for job in passing.jobs:
        passed = passing.passed(job)
        matrix[passed.rows, passed.keys] = passed.weights
        seen[passed.rows, passed.keys] = passed.seen
        matrix[passed.rows, passed.rows] += numpy.diag(passed.own)
    return matrix, seen


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("heads_as", HeadsAs)
@pytest.mark.parametrize("residual", [0.0, 0.5])
def test_it_is_the_heads_as_one_and_the_residual(rule, heads_as, residual):
    [layer] = layered(1, 7, rule).layers
    matrix, seen = handed_on(Passing(layer, range(4), heads_as, residual))
    rows = BY_HAND[heads_as](layer)
    sums = rows.sum(axis=1, keepdims=True)
    expected = numpy.where(
        sums > 0, (1 - residual) * rows / numpy.where(sums > 0, sums, 1) + residual * numpy.eye(7), numpy.eye(7)
    )
    assert numpy.allclose(matrix, expected, rtol=0, atol=1e-14)
    assert numpy.allclose(matrix.sum(axis=1), 1, rtol=0, atol=1e-14)
    assert (seen == (layer.steps().weights > 0).any(axis=0)).all()


def test_a_query_that_sees_nothing_keeps_all_of_itself():
    mask = numpy.ones((3, 3), dtype=bool)
    mask[1] = False
    layer = Layer(*numpy.ones((3, 1, 3, 2)), rule=Rule(mask=mask))
    matrix, _ = handed_on(Passing(layer, [0], HeadsAs.MEAN, 0.0))
    assert (matrix[1] == [0, 1, 0]).all()


@pytest.mark.parametrize("heads_as", HeadsAs)
@pytest.mark.parametrize("heads", [[1], [0, 3], [2, 1]])
def test_only_the_heads_that_are_chosen_count(heads_as, heads):
    [layer] = layered(1).layers
    matrix, _ = handed_on(Passing(layer, heads, heads_as, 0.0))
    of_heads = {
        HeadsAs.MEAN: layer.steps().weights[heads].mean(axis=0),
        HeadsAs.MAX: layer.steps().weights[heads].max(axis=0),
        HeadsAs.CONTRIBUTION: norms(layer)[heads].sum(axis=0),
    }[heads_as]
    assert numpy.allclose(matrix, of_heads / of_heads.sum(axis=1, keepdims=True), rtol=0, atol=1e-14)


def test_weights_that_do_not_add_up_are_divided_by_their_sum():
    given = numpy.array([[[0.5, 0.0], [0.2, 0.2]]])
    matrix, _ = handed_on(Passing(Layer(weights=given), [0], HeadsAs.MEAN, 0.0))
    assert (matrix == [[1, 0], [0.5, 0.5]]).all()


def test_what_each_head_brings_needs_w_o():
    with pytest.raises(AttnvizError, match="W_O of layer 0 is not known"):
        Passing(Layer(*numpy.ones((3, 2, 3, 2))), [0], HeadsAs.CONTRIBUTION, 0.5)


def test_a_long_layer_comes_in_blocks_of_rows_each_of_all_heads():
    layer = Layer(*numpy.ones((3, 3, 9000, 1), dtype="float32"), rule=Rule(causal=True))
    jobs = Passing(layer, [0, 2], HeadsAs.MEAN, 0.5).jobs
    assert [job.rows.start for job in jobs[1:]] == [job.rows.stop for job in jobs[:-1]]
    assert jobs[-1].rows.stop == 9000
    assert all(job.heads == (slice(0, 1), slice(2, 3)) for job in jobs)
