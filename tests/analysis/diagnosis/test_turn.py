"""A rotation is that of other people's code."""

import numpy
import torch
from planted_attention import rotate

from attnviz.analysis.diagnosis.turn import Turn


def test_it_turns_as_the_usual_code_does():
    numbers = torch.randn(2, 7, 12, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    for interleaved in (True, False):
        turn = Turn(1e4, 8, 8, interleaved, tuple(map(float, range(3, 10))))
        right = rotate(numbers, torch.arange(3, 10), 1e4, 8, interleaved)
        numpy.testing.assert_allclose(turn.turned(numbers.numpy()), right.numpy(), atol=1e-12)


def test_there_and_back_is_where_it_was():
    numbers = numpy.random.default_rng(0).standard_normal((1, 5, 6))
    turn = Turn(1e4, 6, 6, False, tuple(map(float, range(5))))
    numpy.testing.assert_allclose(turn.but(direction=-1).turned(turn.turned(numbers)), numbers)


def test_each_item_has_its_own_positions():
    numbers = torch.randn(3, 2, 4, 6, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    turn = Turn(1e4, 6, 6, False, (0.0, 1.0, 2.0, 3.0), of_items=((0.0,) * 4, (0.0, 0.0, 0.0, 7.0), (5.0,) * 4))
    own = [torch.arange(4), torch.tensor([0, 1, 2, 10]), torch.arange(5, 9)]
    right = torch.stack([rotate(item, places, 1e4, 6, False) for item, places in zip(numbers, own, strict=True)])
    numpy.testing.assert_allclose(turn.turned(numbers.numpy()), right.numpy(), atol=1e-12)
    numpy.testing.assert_allclose(turn.turned(numbers[[2]].numpy(), [2]), right[[2]].numpy(), atol=1e-12)
    late = turn.at([1, 3]).turned(numbers[:, :, [1, 3]].numpy())
    numpy.testing.assert_allclose(late, right[:, :, [1, 3]].numpy(), atol=1e-12)
