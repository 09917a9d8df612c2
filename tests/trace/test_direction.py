"""A direction among the numbers that a layer puts out."""

from __future__ import annotations

import numpy
import pytest
import torch

from attnviz import AttnvizError
from attnviz.choices import OUTPUT
from attnviz.trace.direction import Direction, require_fits

VALUE, WEIGHT = numpy.ones((3, 2)), numpy.arange(8.0).reshape(2, 4)


def test_a_value_is_multiplied_with_what_the_direction_is_before_w_o():
    one = Direction("x", [1.0, 0.0, 0.0, 2.0])
    assert one.pulled(WEIGHT, VALUE).tolist() == [[6.0, 18.0]]
    each = Direction("x", [1.0, 0.0, 0.0, 2.0], [1.0, 2.0, 3.0])
    assert each.pulled(WEIGHT, VALUE).tolist() == [[6.0, 18.0], [3.0, 9.0], [2.0, 6.0]]
    assert Direction("x", [[1.0, 0.0]] * 3).pulled(None, VALUE).shape == (3, 2)
    assert isinstance(one.pulled(torch.as_tensor(WEIGHT), torch.as_tensor(VALUE)), torch.Tensor)


@pytest.mark.parametrize("weight", [WEIGHT, None])
@pytest.mark.parametrize("divisors", [None, [1.0, -2.0, 3.0]])
def test_what_each_query_is_divided_by_may_come_last(weight, divisors):
    vector = [1.0, 0.0, 0.0, 2.0] if weight is WEIGHT else [1.0, 2.0]
    one = Direction("x", vector, divisors)
    apart = one.undivided(weight, VALUE)
    assert apart.shape == (1, 2)
    numpy.testing.assert_allclose(apart * one.shrinking(VALUE), one.pulled(weight, VALUE), rtol=1e-15)


def test_it_is_the_output_s_or_a_token_s():
    assert Direction(OUTPUT, [1.0]).is_output
    assert not Direction("output", [1.0]).is_output


@pytest.mark.parametrize("wrong", [Direction("x", numpy.ones(3)), Direction("x", numpy.ones(4), numpy.ones(2))])
def test_one_that_does_not_fit_is_refused(wrong):
    require_fits(Direction("x", numpy.ones(4), numpy.ones(3)), 4, 3)
    require_fits(Direction("x", numpy.ones((3, 4))), 4, 3)
    with pytest.raises(AttnvizError, match="the direction has the shape"):
        require_fits(wrong, 4, 3)


def test_one_that_is_not_finite_is_refused():
    with pytest.raises(AttnvizError, match="the direction is not finite"):
        require_fits(Direction("x", numpy.ones(4) * numpy.nan), 4, 3)
