"""Maps in Axes of a person's own figure: what stands there, read from the artists."""

from __future__ import annotations

import math

import numpy
import pytest
from matplotlib.figure import Figure
from numpy.testing import assert_array_equal

from attnviz import AttnvizError, trace_text
from attnviz.renderers.heatmap.figure import draw
from attnviz.renderers.heatmap.in_axes import draw_in_axes
from attnviz.renderers.heatmap.picture import decide
from attnviz.trace.selection import select
from tests.support.figures import picture_of

TRACE = trace_text("Your journey starts", heads=3, causal=True)


def axes_of(*shape, size=(4, 4)):
    return Figure(figsize=size).subplots(*shape)


def labels(axis):
    return [label.get_text() for label in axis.get_ticklabels()]


def test_the_map_is_that_of_the_head():
    axes = axes_of()
    figure = TRACE.heatmap(head=1, axes=axes)
    assert figure is axes.get_figure()
    [image] = axes.images
    weights = TRACE.layers[0].steps(head=1).weights
    shown = image.get_array()
    assert_array_equal(shown.mask, numpy.triu(numpy.ones((3, 3), dtype=bool), 1))
    assert_array_equal(shown.compressed(), weights[~shown.mask])
    assert labels(axes.yaxis) == labels(axes.xaxis) == ["Your", "journey", "starts"]
    assert (axes.get_ylabel(), axes.get_xlabel()) == ("query", "key")
    assert axes.get_title() == "Attention weights, layer 0, head 1, causal"


def test_the_colours_are_those_of_the_picture():
    axes, picture = axes_of(), picture_of(4)
    draw_in_axes(picture, axes)
    drawn = draw(picture)[0].get_children()
    [cells] = [one for one in drawn if hasattr(one, "norm") and one.get_array().shape == (4, 4)]
    [image] = axes.images
    assert_array_equal(image.to_rgba(image.get_array()), cells.to_rgba(cells.get_array()))


def test_hidden_cells_are_hatched_where_they_stand():
    axes = axes_of()
    TRACE.heatmap(head=0, axes=axes)
    [patch] = axes.patches
    for row in range(3):
        for column in range(3):
            inside = any(path.contains_point((column, row)) for path in pieces(patch.get_path()))
            assert inside == (column > row)


def pieces(path):
    return [type(path)(corners) for corners in path.to_polygons()]


def test_several_maps_take_as_many_axes():
    axes = axes_of(1, 3, size=(9, 3))
    TRACE.heatmap(axes=axes)
    assert [one.get_title() for one in axes] == ["Head 0", "Head 1", "Head 2"]
    steps = axes_of(1, 5, size=(15, 3))
    TRACE.heatmap(axes=list(steps), step="all", head=0)
    assert [one.get_title() for one in steps] == ["Scores", "Scaled", "Masked", "Weights", "Output"]


def test_values_are_written_where_they_stand():
    axes = axes_of()
    TRACE.heatmap(head=0, axes=axes, annotate=True)
    weights = TRACE.layers[0].steps(head=0).weights
    written = {text.get_position(): text.get_text() for text in axes.texts}
    assert written == {(k, q): f"{weights[q, k]:.2f}" for q in range(3) for k in range(q + 1)}


def test_labels_are_turned_and_thinned_where_there_is_no_room():
    axes = axes_of(size=(2, 2))
    draw_in_axes(picture_of(60, words="token{}".format), axes)
    shown = labels(axes.xaxis)
    assert 2 < len(shown) < 30
    assert all(label.get_rotation() == 90 for label in axes.xaxis.get_ticklabels())
    assert shown == [f"token{place}" for place in map(int, axes.get_xticks())]
    assert len(axes.texts) == 0


def test_a_long_text_has_round_positions():
    trace, axes = trace_text("one step " * 550, causal=True), axes_of()
    trace.heatmap(axes=axes)
    assert labels(axes.yaxis) == ["0", "200", "400", "600", "800", "1,000"]


def test_dollars_are_no_formula():
    axes = axes_of()
    trace_text("a $x$ b").heatmap(axes=axes, title="$x^2$ \\$")
    axes.get_figure().draw_without_rendering()
    drawn = axes.title._preprocess_math(axes.title.get_text())
    assert drawn[1] is False
    assert drawn[0].startswith("$x^2$")


@pytest.mark.parametrize(
    ("axes", "message"),
    [
        (lambda: axes_of(1, 2), "there are 3 maps and 2 axes"),
        (axes_of, "there are 3 maps and 1 axes"),
        (lambda: "axes", "axes holds str: expected Axes of matplotlib"),
        (lambda: [3], "axes holds int"),
        (list, "there are 3 maps and 0 axes"),
    ],
)
def test_axes_that_do_not_fit_are_told(axes, message):
    with pytest.raises(AttnvizError, match=message):
        TRACE.heatmap(axes=axes())


@pytest.mark.parametrize("option", [{"path": "x.png"}, {"dpi": 100}, {"seconds": 1.0}, {"width": 90.0}])
def test_what_only_a_figure_of_its_own_has_is_refused(option):
    with pytest.raises(AttnvizError, match=f"and {next(iter(option))} is not"):
        TRACE.heatmap(axes=axes_of(), head=0, **option)


def test_a_map_without_a_value_is_drawn():
    axes = axes_of()
    picture = decide(TRACE, select(TRACE, head=["0"], query="0:1", key="1:3").as_region())
    draw_in_axes(picture, axes)
    assert axes.images[0].get_array().mask.all()
    assert all(value == -math.inf for value in picture.panels[0].values.flat)
