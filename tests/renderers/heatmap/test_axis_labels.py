"""Labels along the panels: every token while it can be read, positions beside the tokens of a region."""

from __future__ import annotations

import itertools

import numpy
import pytest
from thinned import in_pairs

from attnviz import Layer, Trace
from attnviz.renderers.heatmap.figure import draw
from attnviz.renderers.heatmap.layout import decide_layout
from attnviz.renderers.heatmap.measures import SMALLEST_FONT
from attnviz.renderers.heatmap.picture import View, decide
from attnviz.trace.selection import select
from tests.support.figures import (
    WORDS,
    any_overlap,
    boxes_of,
    extents_of,
    images_of,
    labels_of,
    picture_of,
    region_of,
    texts_of,
)

SIZES = pytest.mark.parametrize(("tokens", "heads"), [*itertools.product([1, 3, 12, 64, 200], [1, 4, 12])])


@pytest.mark.parametrize(("tokens", "heads", "words"), in_pairs([1, 3, 12, 64, 200], [1, 4, 12], WORDS))
@pytest.mark.some(8)
def test_token_labels_lie_on_nothing_and_stay_in_the_figure(tokens, heads, words):
    picture = picture_of(tokens, heads, words=WORDS[words])
    figure, _ = draw(picture)
    queries, keys, _ = labels_of(figure, picture)
    assert queries
    assert keys
    boxes = boxes_of(queries + keys)
    width, height = figure.get_size_inches() * figure.dpi
    assert boxes.min() >= 0
    assert boxes[:, 2].max() <= width
    assert boxes[:, 3].max() <= height
    assert not any_overlap(boxes)


@SIZES
@pytest.mark.some(5)
def test_every_token_has_its_label_up_to_64_and_fewer_have_one_beyond(tokens, heads):
    picture = picture_of(tokens, heads)
    figure, _ = draw(picture)
    queries, keys, _ = labels_of(figure, picture)
    extents = extents_of(images_of(figure)[0])
    rows, columns = len(set(extents[:, 1].round(1))), len(set(extents[:, 0].round(1)))
    if tokens <= 64:
        assert sorted(one.text for one in queries) == sorted(picture.queries * rows)
        assert sorted(one.text for one in keys) == sorted(picture.keys * columns)
    else:
        for labels, owners in ((queries, rows), (keys, columns)):
            assert tokens / 5 * owners < len(labels) < tokens * owners
            shown = sorted(int(one.text[1:]) for one in labels)[::owners]
            assert len({after - before for before, after in itertools.pairwise(shown)}) == 1


@pytest.mark.parametrize(("queries", "keys"), [(3, 3), (64, 64), (200, 200), (2, 7), (30, 5)])
def test_a_label_stands_in_the_middle_of_its_row_or_column(queries, keys):
    picture = picture_of(queries, keys=keys)
    figure, _ = draw(picture)
    rows, columns, _ = labels_of(figure, picture)
    left, bottom, right, top = extents_of(images_of(figure)[0])[0]
    for label in rows:
        middle = top - (picture.queries.index(label.text) + 0.5) * (top - bottom) / queries
        assert (label.box[1] + label.box[3]) / 2 == pytest.approx(middle, abs=3)
    for label in columns:
        middle = left + (picture.keys.index(label.text) + 0.5) * (right - left) / keys
        assert (label.box[0] + label.box[2]) / 2 == pytest.approx(middle, abs=3)


@pytest.mark.parametrize("heads", [1, 4])
@pytest.mark.parametrize(
    ("queries", "keys"), [("1003:1007", "1001:1003"), ("1000:1060", "2900:2960"), ("5:6", "997:998")]
)
@pytest.mark.parametrize("words", ["one letter", "long"])
@pytest.mark.some(4)
def test_round_positions_stand_beside_the_tokens_of_a_region(queries, keys, heads, words):
    picture = region_of(queries, keys, heads, WORDS[words])
    figure, _ = draw(picture)
    texts = texts_of(figure)
    assert not any_overlap(boxes_of(texts))
    extents = extents_of(images_of(figure)[0])
    left, bottom, right, top = extents[0]
    starts = [int(side.split(":")[0]) for side in (queries, keys)]
    rows = [one for one in texts if one.text.startswith("@") and one.box[2] < left and one.box[1] >= bottom - 4]
    columns = [one for one in texts if one.text.startswith("@") and left <= one.box[2] and one.box[0] < right]
    assert rows
    assert columns
    for label in rows:
        place = int(label.text[1:].replace(",", "")) - starts[0]
        middle = top - (place + 0.5) * (top - bottom) / len(picture.queries)
        assert (label.box[1] + label.box[3]) / 2 == pytest.approx(middle, abs=4)
    for label in columns:
        place = int(label.text[1:].replace(",", "")) - starts[1]
        middle = left + (place + 0.5) * (right - left) / len(picture.keys)
        assert (label.box[0] + label.box[2]) / 2 == pytest.approx(middle, abs=4)


def test_tokens_that_are_their_positions_are_not_told_twice():
    assert not any("@" in one.text for one in texts_of(draw(region_of("1000:1060", "1000:1060", words=str))[0]))
    shifted = region_of("1000:1060", "1000:1060", words=lambda place: str(place + 1))
    assert any("@" in one.text for one in texts_of(draw(shifted)[0]))
    assert not any("@" in one.text for one in texts_of(draw(picture_of(12))[0]))


@pytest.mark.parametrize("tokens", [1100, 1201, 2000, 2900, 11000])
@pytest.mark.some(2)
def test_positions_read_across_where_they_have_room(tokens):
    array = numpy.zeros((2, tokens, 1), numpy.float32)
    trace = Trace(tuple(map(str, range(tokens))), (Layer(array, array, array),))
    for words in ({"head": ["0"]}, {}):
        picture = decide(trace, select(trace, **words), view=View(cells=50))
        figure, _ = draw(picture)
        assert not any_overlap(boxes_of(texts_of(figure)))
        assert (
            words == {} or tokens == 1201 or not decide_layout(picture).labels.upright
        )  # 1,200 stands at the very end


@pytest.mark.parametrize("heads", [1, 4, 64])
@pytest.mark.some(2)
def test_labels_of_many_heads_can_be_read_beside_their_titles(heads):
    array = numpy.random.default_rng(0).standard_normal((heads, 1100, 2))
    trace = Trace(tuple(map(str, range(1100))), (Layer(array, array, array),))
    for region in ({"query": None, "key": None}, {"query": "1000:1060", "key": "1000:1060"}):
        picture = decide(trace, select(trace, **region), view=View(cells=100))
        layout = decide_layout(picture)
        assert layout.labels.font >= (0.75 * layout.heads.font if picture.pooled or heads == 64 else SMALLEST_FONT)
        figure, _ = draw(picture)
        assert not any_overlap(boxes_of(texts_of(figure, dpi=100)))
