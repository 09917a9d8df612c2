"""A trace whose contributions are measured along a direction."""

from __future__ import annotations

from dataclasses import replace

import numpy
import pytest
import torch
from traces_of_all_kinds import normal

from attnviz import Layer, Rule, Trace, load, trace_text
from attnviz.choices import OUTPUT
from attnviz.errors import AttnvizError
from attnviz.trace import along as along_file
from attnviz.trace.along import OutputDirection, along
from attnviz.trace.contribution import HeadContribution
from attnviz.trace.direction import Direction
from attnviz.trace.steps import Head
from tests.support.contributions import vectors, with_output

LAYER = with_output(Layer(normal(4, 3, 2), normal(2, 3, 2), normal(2, 3, 5), Rule(causal=True)), width=6)
VECTOR, DIVISORS = normal(6), numpy.array([1.0, 2.0, 4.0])


def of(layer: Layer) -> Trace:
    return Trace(("a", "b", "c"), (layer,))


def contributions(layer: Layer) -> numpy.ndarray:
    return numpy.stack([Head(layer, head).contribution for head in range(layer.heads)])


@pytest.mark.parametrize("divisors", [None, DIVISORS])
def test_each_is_the_product_of_its_vector_and_the_direction(divisors):
    expected = vectors(LAYER).numpy() @ VECTOR / (1 if divisors is None else divisors[:, None])
    found = contributions(replace(LAYER, toward=Direction("x", VECTOR, divisors)))
    numpy.testing.assert_allclose(found, expected, atol=1e-12)
    assert (found < 0).any()


def test_along_the_output_they_add_up_to_its_length_but_for_the_bias():
    layer = along(of(LAYER), OUTPUT).layers[0]
    output = LAYER.projected(LAYER.concat(LAYER.steps().output))
    length = numpy.linalg.norm(output, axis=-1)
    of_bias = output @ LAYER.projections["output"].bias / length
    numpy.testing.assert_allclose(contributions(layer).sum(axis=(0, 2)) + of_bias, length, rtol=1e-12)
    bare = along(trace_text("a b c", causal=True), OUTPUT).layers[0]
    numpy.testing.assert_allclose(
        Head(bare, 0).contribution.sum(-1), numpy.linalg.norm(bare.steps(0).output, axis=-1), rtol=1e-12
    )


def test_the_direction_of_the_output_is_computed_some_rows_at_a_time(monkeypatch):
    whole = OutputDirection(LAYER).vector
    monkeypatch.setattr(along_file, "CELLS", 4 * 3)
    numpy.testing.assert_allclose(OutputDirection(LAYER).vector, whole, rtol=1e-15)
    nothing = replace(LAYER, value=numpy.zeros((2, 3, 5)), projections=with_output(LAYER, 6, bias=False).projections)
    assert (OutputDirection(nothing).vector == 0).all()


def test_some_rows_and_keys_have_what_they_have_among_all():
    layer = replace(LAYER, toward=Direction("x", VECTOR, DIVISORS))
    weights, carries = layer.steps(1).weights, HeadContribution(layer, 1)
    some = carries(weights[1:, :2], slice(1, 3), numpy.array([0, 1]))
    numpy.testing.assert_allclose(some, carries(weights)[1:, :2], atol=1e-15)


def test_a_look_without_a_direction_measures_lengths():
    directed = of(replace(LAYER, toward=Direction("x", VECTOR)))
    assert along(directed, None).layers[0].toward is None
    assert along(directed, "x") is directed
    plain = of(LAYER)
    assert along(plain, None) is plain
    with pytest.raises(AttnvizError, match="no direction of y is known here"):
        along(directed, "y")


def test_it_is_saved_moved_and_read_again(tmp_path):
    trace = of(replace(LAYER, toward=Direction(" x", VECTOR, DIVISORS)))
    trace.save(tmp_path / "t.safetensors")
    for one in (load(tmp_path / "t.safetensors"), trace.to("torch").to("numpy")):
        toward = one.layers[0].toward
        assert toward.token == " x"
        assert (toward.vector == VECTOR).all()
        assert (toward.divisors == DIVISORS).all()
    moved = along(of(LAYER), OUTPUT).to("torch").layers[0].toward
    assert isinstance(moved.vector, torch.Tensor)
    assert moved.is_output


@pytest.mark.parametrize("wrong", [(VECTOR[:4], None), (normal(2, 6), None), (VECTOR, DIVISORS[:2])])
def test_one_that_does_not_fit_is_refused(wrong):
    with pytest.raises(AttnvizError, match="the direction has the shape"):
        of(replace(LAYER, toward=Direction("x", *wrong)))


@pytest.mark.parametrize("wrong", [(VECTOR * numpy.nan, None), (VECTOR, DIVISORS * numpy.inf)])
def test_one_that_is_not_finite_is_refused(wrong):
    with pytest.raises(AttnvizError, match="the direction is not finite"):
        of(replace(LAYER, toward=Direction("x", *wrong)))
