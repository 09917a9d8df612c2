"""What each key brings to the output: held against the paper's own formula, and against the output itself."""

from __future__ import annotations

from dataclasses import replace

import numpy
import pytest
import torch
from traces_of_all_kinds import normal, self_layer

from attnviz import trace_text
from attnviz.choices import Language
from attnviz.errors import AttnvizError
from attnviz.text.message import told
from attnviz.trace.contribution import (
    HeadContribution,
    form_of_heads,
    is_known,
    is_unprojected,
    lengths,
    lengths_of_heads,
    require_known,
)
from attnviz.trace.direction import Direction
from attnviz.trace.layer import Layer
from attnviz.trace.projection import Projection
from attnviz.trace.steps import Head
from tests.support.contributions import norms, vectors, with_output


def plain_layer(**facts) -> Layer:
    return Layer(normal(4, 3, 2), normal(2, 3, 2), normal(2, 3, 5), **facts)


@pytest.mark.parametrize("held", [numpy.asarray, torch.as_tensor])
@pytest.mark.parametrize("layer", [with_output(plain_layer()), self_layer()], ids=["plain", "every rule"])
def test_the_norms_are_those_of_the_paper(layer, held):
    layer = replace(layer, **{name: held(getattr(layer, name)) for name in ("query", "key", "value")})
    expected = norms(layer)
    for head in range(layer.heads):
        found = HeadContribution(layer, head)(layer.steps(head).weights)
        assert isinstance(found, torch.Tensor) == (held is torch.as_tensor)
        numpy.testing.assert_allclose(numpy.asarray(found), expected[head], rtol=1e-6, atol=1e-12)


def test_the_contributions_of_all_heads_and_the_bias_are_the_output():
    layer = with_output(plain_layer())
    concat = layer.concat(layer.steps().output)
    bias = layer.projections["output"].bias
    carried = [HeadContribution(layer, head).carried() for head in range(layer.heads)]
    summed = sum(layer.steps(head).weights @ one for head, one in enumerate(carried)) + bias
    numpy.testing.assert_allclose(summed, layer.projected(concat), rtol=1e-12)
    numpy.testing.assert_allclose(vectors(layer).sum(dim=(0, 2)).numpy() + bias, layer.projected(concat), rtol=1e-12)


def test_some_queries_and_keys_have_the_contributions_that_they_have_among_all():
    layer = with_output(plain_layer())
    whole = HeadContribution(layer, 3)(layer.steps(3).weights)
    some = HeadContribution(layer, 3)(layer.steps(3).weights[1:, :2], slice(1, 3), slice(0, 2))
    assert (some == whole[1:, :2]).all()
    assert (Head(layer, 3).contribution == whole).all()
    assert (Head(layer, 3, 2).contribution == whole[2:]).all()
    assert (Head(layer, 3, range(1, 3)).contribution == whole[1:]).all()


def test_many_keys_are_carried_block_by_block(monkeypatch):
    layer = with_output(plain_layer())
    whole = HeadContribution(layer, 0).factors()
    monkeypatch.setattr("attnviz.trace.contribution.BLOCK", 2)
    numpy.testing.assert_allclose(HeadContribution(layer, 0).factors(), whole, rtol=1e-15)


def test_a_value_of_nothing_brings_nothing_however_large_its_weight_is():
    layer = with_output(plain_layer())
    value = layer.value.copy()
    value[:, 1] = 0
    layer = replace(layer, value=value)
    found = Head(layer, 0).contribution
    assert (found[:, 1] == 0).all()
    assert (found[:, [0, 2]] > 0).all()


def test_attention_of_one_head_without_projections_goes_through_no_projection():
    layer = trace_text("Your journey starts", causal=True).layers[0]
    assert is_unprojected(layer)
    long = numpy.linalg.norm(layer.value[0], axis=-1)
    numpy.testing.assert_allclose(Head(layer, 0).contribution, layer.steps(0).weights * long)
    turned = trace_text("a b", dim=4, position="rope").layers[0]  # which turns queries and keys, and no values
    assert is_unprojected(turned)


def test_where_w_o_is_not_known_the_layer_is_named():
    for layer in (plain_layer(index=2), replace(trace_text("a b", heads=2).layers[0], projections={}, index=2)):
        assert not is_known(layer)
        with pytest.raises(AttnvizError, match="W_O of layer 2 is not known, and a contribution needs it"):
            HeadContribution(layer, 0)
    other = {"value": Projection(numpy.eye(3))}
    assert not is_unprojected(replace(trace_text("a b").layers[0], projections=other))
    assert not is_unprojected(replace(trace_text("a b").layers[0], value=numpy.ones((1, 2, 4))))


def test_of_weights_alone_there_are_no_contributions():
    layer = Layer(weights=numpy.eye(2)[None])
    assert not is_known(layer)
    assert not is_unprojected(layer)
    with pytest.raises(AttnvizError, match=r"^contribution cannot be shown: only the weights of this layer are known"):
        HeadContribution(layer, 0)


def test_the_layer_whose_w_o_is_unknown_is_named_in_the_language_of_the_run():
    for layer, name in ((plain_layer(index=2), "lớp 2"), (plain_layer(index=2, name="cross 2"), "cross 2")):
        with pytest.raises(AttnvizError) as caught:
            require_known(layer, "because of a gate")
        assert told(caught.value.message, Language.VI).startswith(f"không biết W_O của {name},")
        assert caught.value.hint == "because of a gate"


def test_what_overflows_is_an_error_that_says_where():
    layer = replace(with_output(plain_layer()), projections={"output": Projection(numpy.full((20, 2), 1e308))})
    with pytest.raises(AttnvizError, match="what the projection yields is not finite"):
        HeadContribution(layer, 0).factors()


@pytest.mark.parametrize("size", [1e-300, 1.0, 1e300])
def test_a_length_is_right_however_large_or_small_its_numbers_are(size):
    rows = numpy.array([[3.0, -4.0], [0.0, 0.0]])
    numpy.testing.assert_allclose(lengths(rows * size), [5 * size, 0])


@pytest.mark.parametrize("divisors", [None, [1.0, 2.0, 4.0]])
def test_along_a_direction_each_has_a_sign(divisors):
    layer = with_output(plain_layer())
    toward = Direction("x", normal(5), divisors)
    found = numpy.stack([Head(replace(layer, toward=toward), head).contribution for head in range(4)])
    shrunk = 1 if divisors is None else numpy.array(divisors)[:, None]
    numpy.testing.assert_allclose(found, vectors(layer).numpy() @ normal(5) / shrunk, atol=1e-12)
    assert (found < 0).any()


def test_a_direction_too_large_for_its_numbers_is_an_error():
    layer = replace(with_output(plain_layer()), toward=Direction("x", numpy.full(5, 1e308)))
    with pytest.raises(AttnvizError, match="the direction is not finite"):
        HeadContribution(replace(layer, projections={"output": Projection(numpy.full((20, 5), 1e300))}), 0).factors()


DIRECTIONS = {
    "length": None,
    "one for all": Direction("x", normal(5)),
    "divided": Direction("x", normal(5), [1.0, 2.0, -4.0]),
    "one for each": Direction("x", normal(3, 5), [1.0, 2.0, 4.0]),
}


@pytest.mark.parametrize("held", [numpy.asarray, torch.as_tensor])
@pytest.mark.parametrize("toward", DIRECTIONS.values(), ids=DIRECTIONS)
def test_all_heads_together_are_what_each_is_alone(toward, held):
    layer = replace(with_output(plain_layer()), toward=toward)
    layer = replace(layer, **{name: held(getattr(layer, name)) for name in ("query", "key", "value")})
    form, weights = form_of_heads(layer, [1, 3]), layer.steps().weights[[1, 3]]
    expected = [HeadContribution(layer, head)(layer.steps(head).weights) for head in (1, 3)]
    numpy.testing.assert_allclose(form.times(weights), numpy.stack(expected), rtol=1e-12)
    for some, keys in ((slice(1, 3), slice(0, 2)), (slice(0, 1), slice(1, 3))):
        found = form(some, keys)
        numpy.testing.assert_allclose(
            numpy.broadcast_to(found, (2, some.stop - some.start, 2)),
            numpy.broadcast_to(form(), (2, 3, 3))[:, some, keys],
            rtol=1e-12,
        )
    part = form.of_queries(1, 3)
    numpy.testing.assert_allclose(numpy.asarray(part.divided()()) * part.bound, form(slice(1, 3)), rtol=1e-12)
    assert abs(numpy.asarray(part.divided()())).max() <= 1 + 1e-12


@pytest.mark.parametrize("held", [numpy.asarray, torch.as_tensor])
def test_in_single_precision_a_length_is_no_further_off_than_its_own_vector(held):
    """Though it goes through W_O W_Oᵀ: a value that W_O makes almost nothing of, too, and one too large to be squared."""
    layer = with_output(Layer(normal(2, 8, 3), normal(2, 8, 3), normal(2, 8, 3)))
    output = layer.projections["output"].weight.copy()
    output[:3] = [[1, 0, 0, 0, 0], [1, 1e-3, 0, 0, 0], [0, 0, 1, 0, 0]]
    value = layer.value.copy()
    value[0, 0], value[0, 1], value[0, 2], value[0, 3] = (1, -1, 0), (1, -1, 1e-4), 1e30, 0
    single = {
        name: held(array.astype("float32"))
        for name, array in (("query", layer.query), ("key", layer.key), ("value", value))
    }
    layer = replace(layer, **single, projections={"output": Projection(held(output.astype("float32")))})
    found = numpy.asarray(lengths_of_heads(layer, [0, 1]))
    wide = numpy.asarray(layer.value).astype(float), numpy.asarray(layer.projections["output"].weight).astype(float)
    expected = numpy.linalg.norm(wide[0] @ wide[1].reshape(2, 3, 5), axis=-1)
    least = numpy.linalg.norm(wide[0], axis=-1) * numpy.finfo("float32").eps  # what v W itself is rounded by
    assert found.dtype == numpy.float32
    assert (abs(found - expected) <= 4 * least + 1e-6 * expected).all()
    assert found[0, 3] == 0


def test_lengths_beyond_single_precision_are_an_error():
    layer = with_output(plain_layer())
    single = {name: getattr(layer, name).astype("float32") for name in ("query", "key")}
    value, output = numpy.full((2, 3, 5), 3e38, dtype="float32"), Projection(numpy.full((20, 5), 3.0))
    layer = replace(layer, **single, value=value, projections={"output": output})
    with pytest.raises(AttnvizError, match="what the projection yields is not finite"):
        lengths_of_heads(layer, [0])
