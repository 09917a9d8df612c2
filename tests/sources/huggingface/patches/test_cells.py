"""The cells of a first layer, against where its kernel must have been."""

from __future__ import annotations

import numpy
import pytest
import torch

from attnviz.sources.huggingface.patches.cells import cells_of
from attnviz.sources.huggingface.patches.ramps import Coordinates

SIZE = (60, 40)


def places(height, width, known=None):
    """Each model pixel shows two pixels of the picture."""
    y, x = 2.0 * (numpy.indices((height, width)) + 0.5)
    shape = (1, 3, height, width)
    known = numpy.ones((height, width), dtype=bool) if known is None else known
    return Coordinates(*(numpy.broadcast_to(array, shape) for array in (x, y, known)))


@pytest.mark.parametrize(
    ("options", "first", "last"),
    [
        ({"kernel_size": 5, "stride": 5}, [0, 0, 10, 10], [50, 30, 60, 40]),
        ({"kernel_size": 4, "stride": 2, "padding": 1}, [0, 0, 6, 6], [54, 34, 60, 40]),
        ({"kernel_size": (5, 3), "stride": (5, 3), "padding": "valid"}, [0, 0, 6, 10], [54, 30, 60, 40]),
        ({"kernel_size": 3, "padding": "same"}, [0, 0, 4, 4], [56, 36, 60, 40]),
        ({"kernel_size": 2, "stride": 5, "dilation": 3}, [0, 0, 8, 8], [50, 30, 58, 38]),
    ],
)
def test_a_cell_is_where_its_kernel_was(options, first, last):
    layer = torch.nn.Conv2d(3, 4, **options)
    count = layer(torch.zeros(1, 3, 20, 30))[0, 0].numel()
    cells = cells_of(layer, places(20, 30), SIZE, count)
    assert cells.boxes[0].tolist() == pytest.approx(first)
    assert cells.boxes[-1].tolist() == pytest.approx(last)
    assert len(cells.places) == count


def test_padding_is_no_part_of_the_picture():
    known = numpy.zeros((20, 30), dtype=bool)
    known[:12, 5:] = True
    cells = cells_of(torch.nn.Conv2d(3, 4, 5, 5), places(20, 30, known), SIZE, 24)
    boxes = cells.boxes.reshape(4, 6, 4)
    assert numpy.isnan(boxes[:, 0]).all()
    assert numpy.isnan(boxes[3]).all()
    assert boxes[2, 1].tolist() == pytest.approx([10, 20, 20, 24])  # of which the picture ends


def test_pixels_that_lie_on_no_lines_have_no_boxes():
    given = places(20, 30)
    bent = given._replace(across=given.across**3)
    assert numpy.isnan(cells_of(torch.nn.Conv2d(3, 4, 5, 5), bent, SIZE, 24).boxes).all()
    holes = numpy.ones((20, 30), dtype=bool)
    holes[3, 4] = False
    assert numpy.isnan(cells_of(torch.nn.Conv2d(3, 4, 5, 5), places(20, 30, holes), SIZE, 24).boxes).all()


def test_another_number_of_outputs_is_not_guessed_about():
    assert cells_of(torch.nn.Conv2d(3, 4, 5, 5), places(20, 30), SIZE, 25) is None
    assert cells_of(torch.nn.Linear(3, 4), places(20, 30), SIZE, 1) is None


def patches_apart(count_down=4, count_across=6, pixels=5):
    """Patches cut out one by one, the columns first, each a row of numbers; the last shows nothing."""
    across, down, known = [], [], []
    for column in range(count_across):
        for row in range(count_down):
            y, x = (numpy.indices((pixels, pixels)) + 0.5) / pixels
            across.append((column + x).ravel() * 10)
            down.append((row + y).ravel() * 10)
            known.append(numpy.ones(pixels * pixels, dtype=bool))
    return [numpy.array(one) for one in (across, down, known)]


@pytest.mark.parametrize("layer", [torch.nn.Linear(25, 4), torch.nn.Conv2d(1, 4, 5)])
def test_patches_that_were_cut_out_lie_in_a_lattice(layer):
    across, down, known = patches_apart()
    known[-1] = False
    shape = (1, 24, 25) if isinstance(layer, torch.nn.Linear) else (24, 1, 5, 5)
    cells = cells_of(layer, Coordinates(*(array.reshape(shape) for array in (across, down, known))), SIZE, 24)
    assert cells.places[:3].tolist() == [[0, 0, 0], [0, 1, 0], [0, 2, 0]]
    assert cells.places[-1].tolist() == [-1, -1, -1]
    assert cells.boxes[5].tolist() == pytest.approx([10, 10, 20, 20], abs=0.2)
    assert numpy.isnan(cells.boxes[-1]).all()


def test_patches_without_a_picture_or_an_order_have_no_lattice():
    across, down, known = patches_apart()
    nothing = numpy.zeros_like(known)
    assert cells_of(torch.nn.Linear(25, 4), Coordinates(across, down, nothing), SIZE, 24) is None
    assert cells_of(torch.nn.Linear(25, 4), Coordinates(numpy.full_like(across, 7.0), down, known), SIZE, 24) is None
