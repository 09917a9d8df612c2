"""What depends on the distance of query and key alone is held as one number per distance."""

import numpy
import pytest
from numpy.testing import assert_array_equal

from attnviz import AttnvizError, Rule, attend
from attnviz.attention.toeplitz import gathered, is_spread, of_heads, spread

BY_DISTANCE = numpy.arange(3 * 9.0).reshape(3, 9)  # of 4 queries and 6 keys


def test_a_cell_holds_the_number_of_its_distance():
    array = spread(BY_DISTANCE, 4)
    assert array.shape == (3, 4, 6)
    for query in range(4):
        assert_array_equal(array[:, query], BY_DISTANCE[:, 3 - query : 9 - query])


@pytest.mark.parametrize("by_distance", [BY_DISTANCE, BY_DISTANCE[0]], ids=["heads", "one head"])
def test_gathering_undoes_spreading_of_any_part(by_distance):
    array = spread(by_distance, 4)
    assert is_spread(array)
    assert_array_equal(gathered(array), by_distance)
    assert_array_equal(gathered(array[..., 1:3, 2:5]), by_distance[..., 3:7])
    assert not is_spread(array.copy())
    assert not is_spread(by_distance)


@pytest.mark.parametrize("heads", [slice(1, 3), [2, 0]])
def test_of_heads_of_it_are_held_the_same(heads):
    array = of_heads(spread(BY_DISTANCE, 4), heads)
    assert is_spread(array)
    assert_array_equal(array, spread(BY_DISTANCE, 4).copy()[heads])


@pytest.mark.parametrize("number", [numpy.nan, numpy.inf])
def test_a_number_that_cannot_be_added_is_refused(number):
    by_distance = BY_DISTANCE.copy()
    by_distance[1, 7] = number
    query, key = numpy.ones((3, 4, 2)), numpy.ones((3, 6, 2))
    with pytest.raises(AttnvizError, match="bias holds NaN or"):
        attend(query, key, key, **vars(Rule(bias=spread(by_distance, 4))))


@pytest.mark.parametrize("heads", [[2, 0], slice(1, 3)])
def test_some_heads_are_spread_again(heads):
    by_distance = numpy.random.default_rng(0).normal(size=(4, 9))
    array = spread(by_distance, 5)
    some = of_heads(array, heads)
    assert is_spread(some)
    numpy.testing.assert_array_equal(some, array[heads])
    numpy.testing.assert_array_equal(gathered(some), by_distance[heads])


def test_what_all_heads_share_stays():
    shared = numpy.zeros((1, 5, 5))
    assert of_heads(None, [0]) is None
    assert of_heads(shared, [2]) is shared
    assert of_heads(shared[0], [2]).shape == (5, 5)
    assert of_heads(numpy.arange(4.0).reshape(4, 1, 1), [2])[0, 0, 0] == 2
