"""The heat map as a figure: the artists, where the words stand, and the bytes."""

from __future__ import annotations

import hashlib
import io
import itertools
import math
import re
import subprocess
import sys
import warnings
import xml.etree.ElementTree as ElementTree

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.backend_bases import RendererBase
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.image import BboxImage
from matplotlib.patches import Patch
from PIL import Image

from attnviz import AttnvizError, Layer, Rule, Trace
from attnviz.choices import MapStep
from attnviz.renderers.heatmap.figure import draw, save
from attnviz.renderers.heatmap.layout import GAP, LEAST_TITLE, SMALLEST_FONT, layout, ticks
from attnviz.renderers.heatmap.picture import View, decide
from attnviz.renderers.shared.scale import Scale
from attnviz.trace.selection import select

FORMATS = pytest.mark.parametrize("form", ["png", "svg", "pdf"])
SIZES = pytest.mark.parametrize(("tokens", "heads"), [*itertools.product([1, 3, 12, 64, 200], [1, 4, 12])])
WORDS = {
    "short": lambda place: f"w{place}",
    "long": lambda place: f"antidisestablishment{place}",
    "one letter": lambda place: "abcdefghijkmnop"[place % 15],
    "CJK": lambda place: "日本語注意力機構"[: place % 8 + 1],
    "deep": lambda place: "gjpqy"[: place % 5 + 1],
}


def picture_of(queries=3, heads=1, keys=None, *, causal=False, words=WORDS["short"], step=MapStep.WEIGHTS, title=None):
    draw_from = numpy.random.default_rng(queries)
    keys = keys or queries
    query, key, value = (draw_from.standard_normal((heads, count, 3)) for count in (queries, keys, keys))
    key_tokens = None if keys == queries else tuple(f"k{place}" for place in range(keys))
    rule = Rule(causal=causal, query_offset=keys - queries if causal else None)
    trace = Trace(tuple(map(words, range(queries))), (Layer(query, key, value, rule, key_tokens=key_tokens),))
    return decide(trace, select(trace), step, title)


class Text:
    """A text that a figure draws, and its box in pixels: left, bottom, right, top."""

    def __init__(self, text, x, y, angle, colour, size):
        width, height, descent = size
        self.text, self.angle, self.colour = text, angle, colour
        self.box = (x, y - descent, x + width, y + height - descent)
        if angle == 90:  # reads upwards from its start, its capitals to the left
            self.box = (x - (height - descent), y, x + descent, y + width)


class Recorder(RendererBase):
    """A backend that draws nothing and remembers every text."""

    def __init__(self, figure):
        super().__init__()
        self.dpi, self.texts = figure.dpi, []
        self.width, self.height = figure.get_size_inches() * self.dpi
        self.measure, self.sizes = RendererAgg(1, 1, self.dpi), {}

    def flipy(self):
        return False

    def option_image_nocomposite(self):
        return True

    def points_to_pixels(self, points):
        return points * self.dpi / 72

    def get_canvas_width_height(self):
        return self.width, self.height

    def get_text_width_height_descent(self, s, prop, ismath):
        look = s, prop.get_size(), prop.get_weight()
        if look not in self.sizes:
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", message="Glyph .* missing")
                self.sizes[look] = self.measure.get_text_width_height_descent(s, prop, ismath)
        return self.sizes[look]

    def draw_text(self, gc, x, y, s, prop, angle, ismath=False, mtext=None):  # noqa: ARG002  matplotlib's signature
        assert not ismath
        assert angle in (0, 90)
        size = self.get_text_width_height_descent(s, prop, False)
        self.texts.append(Text(s, x, y, angle, gc.get_rgb(), size))

    def draw_image(self, gc, x, y, im, transform=None):
        pass

    def draw_path(self, gc, path, transform, rgbFace=None):  # noqa: N803  matplotlib's name
        pass


def texts_of(figure, dpi=200):
    figure.set_dpi(dpi)
    recorder = Recorder(figure)
    images = figure.findobj(BboxImage)
    for image in images:  # they hold no text, and take most of the time
        image.set_visible(False)
    figure.draw(recorder)
    for image in images:
        image.set_visible(True)
    return recorder.texts


def boxes_of(texts):
    return numpy.array([text.box for text in texts]).reshape(-1, 4)


def images_of(figure):
    """The images of the panels, and that of the colour bar."""
    images = figure.findobj(BboxImage)
    bars = [image for image in images if image.get_array().shape[1] == 1 and image.get_array().shape[0] > 200]
    assert len(bars) == 1
    return [image for image in images if image is not bars[0]], bars[0]


def extents_of(images):
    return numpy.array([image.get_window_extent().extents for image in images])


def labels_of(figure, picture):
    """The token labels beside the panels, and below them."""
    texts = texts_of(figure)
    extents = extents_of(images_of(figure)[0])
    left, bottom = extents[:, 0].min(), extents[:, 1].min()
    queries = [one for one in texts if one.text in picture.queries and one.box[2] <= left]
    keys = [
        one for one in texts if one.text in picture.keys and one.box[3] <= extents[:, 1].max() and one.box[0] >= left
    ]
    return queries, [one for one in keys if not overlaps(boxes_of([one]), extents).any()], bottom


def overlaps(first, second, slack=0.5):
    """Which boxes lie on which, (first, second)."""
    a, b = first[:, None], second[None]
    return (numpy.minimum(a[..., 2:], b[..., 2:]) - numpy.maximum(a[..., :2], b[..., :2]) > slack).all(axis=-1)


def any_overlap(boxes, slack=0.5):
    found = overlaps(boxes, boxes, slack)
    numpy.fill_diagonal(found, False)
    return found.any()


@SIZES
@pytest.mark.parametrize("words", WORDS)
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
def test_no_text_lies_on_another_or_leaves_the_figure(tokens, heads):
    for causal, step in ((False, MapStep.WEIGHTS), (True, MapStep.WEIGHTS), (True, MapStep.MASKED)):
        figure, _ = draw(picture_of(tokens, heads, causal=causal, step=step))
        texts = texts_of(figure)
        boxes = boxes_of(texts)
        width, height = figure.get_size_inches() * figure.dpi
        outside = (boxes[:, :2] < 0).any(axis=1) | (boxes[:, 2] > width) | (boxes[:, 3] > height)
        assert [texts[place].text for place in numpy.flatnonzero(outside)] == []
        pairs = numpy.argwhere(numpy.triu(overlaps(boxes, boxes), 1))
        assert [(texts[a].text, texts[b].text) for a, b in pairs] == []


@pytest.mark.parametrize("heads", [1, 2, 3, 4, 8, 16])
@pytest.mark.parametrize("title", ["Head 12 · kv 3", "Encoder layer 12 · head 31 · kv 15"])
@pytest.mark.parametrize("words", ["one letter", "long"])
def test_no_text_of_a_tiny_map_lies_on_another_or_on_a_picture(heads, title, words):
    for queries, keys, causal in itertools.product(range(1, 4), range(1, 4), (False, True)):
        picture = picture_of(queries, heads, keys, causal=causal and queries <= keys, words=WORDS[words])
        values = (panel.values / 2000 for panel in picture.panels)  # as many digits as a cell of a long text has
        panels = tuple(
            panel._replace(title=title, values=small) for panel, small in zip(picture.panels, values, strict=True)
        )
        figure, _ = draw(picture._replace(panels=panels, scale=Scale(0.0, 0.00123, 0.00123)))
        texts = texts_of(figure)
        boxes = boxes_of(texts)
        pairs = numpy.argwhere(numpy.triu(overlaps(boxes, boxes), 1))
        assert [(texts[a].text, texts[b].text) for a, b in pairs] == []
        images, bar = images_of(figure)
        in_cells = numpy.array([re.fullmatch(r"[\d.e-]+", one.text) is not None for one in texts])
        assert not overlaps(boxes[~in_cells], extents_of(images)).any()
        assert not overlaps(boxes, extents_of([bar])).any()
        assert boxes.min() >= 0
        assert boxes[:, 2].max() <= figure.get_figwidth() * figure.dpi


@SIZES
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


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("heads", [1, 4, 12])
def test_every_panel_is_an_image_of_its_weights_with_what_is_hidden_masked(heads, causal):
    picture = picture_of(5, heads, causal=causal)
    images, _ = images_of(draw(picture)[0])
    assert len(images) == heads
    for image, panel in zip(images, picture.panels, strict=True):
        hidden = panel.values == -math.inf
        assert (numpy.ma.getmaskarray(image.get_array()) == hidden).all()
        assert (numpy.asarray(image.get_array())[~hidden] == panel.values[~hidden]).all()


def test_every_image_has_the_one_scale_of_the_picture():
    picture = picture_of(5, 4, step=MapStep.SCORES)
    images, bar = images_of(draw(picture)[0])
    assert {id(image.norm) for image in images} == {id(bar.norm)}
    assert (bar.norm.vmin, bar.norm.vmax) == picture.scale[:2]
    assert {image.get_cmap().name for image in (*images, bar)} == {"RdBu_r"}
    assert (bar.get_array()[0, 0], bar.get_array()[-1, 0]) == picture.scale[:2]


def test_panels_are_alike_in_size_and_lie_on_nothing():
    extents = extents_of(images_of(draw(picture_of(5, 12))[0])[0])
    assert numpy.ptp(extents[:, 2] - extents[:, 0]) == pytest.approx(0)
    assert not any_overlap(extents)
    order = sorted(range(12), key=lambda place: (-extents[place, 1].round(), extents[place, 0].round()))
    assert order == list(range(12))


@pytest.mark.parametrize(("queries", "keys"), [(3, 9), (9, 3), (1, 40), (40, 1)])
def test_cells_are_square_in_a_rectangle_of_cross_attention(queries, keys):
    (extents,) = extents_of(images_of(draw(picture_of(queries, keys=keys))[0])[0])
    assert (extents[2] - extents[0]) / (extents[3] - extents[1]) == pytest.approx(keys / queries)


@pytest.mark.parametrize("heads", [1, 4])
def test_hidden_cells_are_hatched_and_named_and_only_where_there_are_any(heads):
    for causal in (False, True):
        figure, _ = draw(picture_of(4, heads, causal=causal))
        hatched = [patch for patch in figure.findobj(Patch) if patch.get_hatch()]
        assert len(hatched) == (heads + 1 if causal else 0)
        assert ("hidden" in [one.text for one in texts_of(figure)]) == causal


def test_the_hatched_cells_are_those_that_are_hidden():
    hidden = numpy.array([[0, 1, 0, 1], [0, 0, 0, 0], [1, 1, 1, 0], [1, 0, 0, 1]], bool)
    panel = picture_of(4).panels[0]
    picture = picture_of(4)._replace(panels=(panel._replace(values=numpy.where(hidden, -math.inf, panel.values)),))
    figure, _ = draw(picture._replace(hidden=True))
    left, bottom, right, top = extents_of(images_of(figure)[0])[0]
    patch = max((one for one in figure.findobj(Patch) if one.get_hatch()), key=lambda one: one.get_extents().width)
    path = patch.get_path().transformed(patch.get_patch_transform() + figure.dpi_scale_trans)
    for row, column in numpy.ndindex(4, 4):
        middle = left + (column + 0.5) * (right - left) / 4, top - (row + 0.5) * (top - bottom) / 4
        inside = any(
            numpy.prod(polygon.min(0) <= middle) * numpy.prod(middle <= polygon.max(0))
            for polygon in path.to_polygons()
        )
        assert bool(inside) == hidden[row, column]


@pytest.mark.parametrize("heads", [1, 4])
def test_the_words_around_the_panels(heads):
    picture = picture_of(4, heads, causal=True)
    texts = [one.text for one in texts_of(draw(picture)[0])]
    for text in (picture.title, picture.subtitle, "query", "key"):
        assert text in texts
    titles = [text for text in texts if re.fullmatch(r"Head \d+", text)]
    assert titles == ([f"Head {head}" for head in range(heads)] if heads > 1 else [])


@pytest.mark.parametrize("step", list(MapStep))
def test_the_ticks_of_the_colour_bar_stand_at_their_values(step):
    picture = picture_of(6, step=step)
    figure, _ = draw(picture)
    _, bar = images_of(figure)
    _, bottom, right, top = bar.get_window_extent().extents * 2  # from 100 to 200 dots an inch
    ticks = [one for one in texts_of(figure) if re.fullmatch(r"-?[\d.]+", one.text) and one.box[0] >= right]
    assert len(ticks) >= 2
    low, high = picture.scale[:2]
    for tick in ticks:
        at = bottom + (float(tick.text) - low) / (high - low) * (top - bottom)
        assert (tick.box[1] + tick.box[3]) / 2 == pytest.approx(at, abs=4)


def test_a_clipped_scale_tells_the_true_largest():
    picture = picture_of(4)._replace(scale=Scale(0.0, 0.1, 0.87))
    assert "to 0.87" in [one.text for one in texts_of(draw(picture)[0])]
    assert not any(one.text.startswith("to ") for one in texts_of(draw(picture_of(4))[0]))


@pytest.mark.parametrize(
    ("low", "high", "least", "labels"),
    [
        (1e-6, 1.0, 1e-6, ["1e-06", "1e-05", "0.0001", "0.001", "0.01", "0.1", "1"]),
        (3e-4, 0.013, 3e-4, ["0.0003", "0.0005", "0.001", "0.002", "0.005", "0.01", "0.013"]),
        (2e-3, 8e-3, 1e-7, ["0.002", "0.005", "0.008", "to 1.0e-07"]),
        (1e-5, 1e-3, 0.0, ["1e-05", "0.0001", "0.001", "to 0"]),
    ],
)
@pytest.mark.parametrize("hidden", [False, True])
def test_a_scale_by_factors_has_its_ends_and_round_numbers_at_their_places(low, high, least, labels, hidden):
    picture = picture_of(40)._replace(scale=Scale(low, high, high, decades=True, least=least), hidden=hidden)
    figure, _ = draw(picture)
    _, bar = images_of(figure)
    _, bottom, right, top = bar.get_window_extent().extents * 2  # from 100 to 200 dots an inch
    texts = [one for one in texts_of(figure) if one.box[0] >= right and one.text != "hidden"]
    assert sorted(labels) == sorted(one.text for one in texts)
    for one in texts:
        if not one.text.startswith("to "):
            at = bottom + math.log(float(one.text) / low) / math.log(high / low) * (top - bottom)
            assert (one.box[1] + one.box[3]) / 2 == pytest.approx(at, abs=4)
        else:
            assert (one.box[1] + one.box[3]) / 2 < bottom
    assert not any_overlap(boxes_of(texts_of(figure)))


@given(powers=st.tuples(st.floats(-12, -0.4), st.floats(0.4, 12)), most=st.integers(2, 40))
@settings(deadline=None)
def test_ticks_of_a_scale_by_factors_are_its_ends_and_what_has_room_between(powers, most):
    low, high = 10 ** powers[0] / 1e3, 10 ** powers[1] / 1e3
    scale = Scale(low, high, high, decades=True)
    found = ticks(scale, most)
    places = [scale.place(tick) for tick in found]
    assert (places[0], places[-1]) == (0, 1)
    assert min(after - before for before, after in itertools.pairwise(places)) >= min(0.7 / most, 1)
    assert len(found) <= 1.5 * most + 1


@pytest.mark.parametrize("size", [1, 4])
def test_a_bar_with_both_tips_and_hidden_cells_has_room_for_all(size):
    picture = picture_of(size, causal=True)._replace(hidden=True)
    for scale in (Scale(1e-3, 0.1, 0.1, decades=True, least=0.0), Scale(0.0, 0.1, 0.9)):
        texts = texts_of(draw(picture._replace(scale=scale))[0])
        assert boxes_of(texts).min() >= 0
        assert not any_overlap(boxes_of(texts))


def region_of(queries, keys, heads=1, words=WORDS["long"]):
    count = 3000
    array = numpy.random.default_rng(0).standard_normal((heads, count, 2))
    trace = Trace(tuple(map(words, range(count))), (Layer(array, array, array),))
    return decide(trace, select(trace, query=queries, key=keys))


@pytest.mark.parametrize("heads", [1, 4])
@pytest.mark.parametrize(
    ("queries", "keys"), [("1003:1007", "1001:1003"), ("1000:1060", "2900:2960"), ("5:6", "997:998")]
)
@pytest.mark.parametrize("words", ["one letter", "long"])
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


@pytest.mark.parametrize("heads", [1, 4, 64])
def test_labels_of_many_heads_can_be_read_beside_their_titles(heads):
    array = numpy.random.default_rng(0).standard_normal((heads, 1100, 2))
    trace = Trace(tuple(map(str, range(1100))), (Layer(array, array, array),))
    for region in ({"query": None, "key": None}, {"query": "1000:1060", "key": "1000:1060"}):
        picture = decide(trace, select(trace, **region), view=View(cells=100))
        place = layout(picture)
        assert place.font >= (0.75 * place.head_font if picture.pooled or heads == 64 else SMALLEST_FONT)
        figure, _ = draw(picture)
        assert not any_overlap(boxes_of(texts_of(figure, dpi=100)))


@pytest.mark.parametrize("tokens", [1100, 1201, 2000, 2900, 11000])
def test_positions_read_across_where_they_have_room(tokens):
    array = numpy.zeros((2, tokens, 1), numpy.float32)
    trace = Trace(tuple(map(str, range(tokens))), (Layer(array, array, array),))
    for words in ({"head": ["0"]}, {}):
        picture = decide(trace, select(trace, **words), view=View(cells=50))
        figure, _ = draw(picture)
        assert not any_overlap(boxes_of(texts_of(figure)))
        assert words == {} or tokens == 1201 or not layout(picture).upright  # 1,200 stands at the very end


def values_of(figure):
    """The numbers in the cells."""
    (extents,) = extents_of(images_of(figure)[0]) * 2  # from 100 to 200 dots an inch
    texts = [one for one in texts_of(figure) if re.fullmatch(r"-?\d+\.\d\d", one.text)]
    return extents, [one for one in texts if overlaps(boxes_of([one]), extents[None]).any()]


@pytest.mark.parametrize("causal", [False, True])
def test_values_stand_in_their_cells_and_hidden_cells_have_none(causal):
    picture = picture_of(4, causal=causal)
    (left, bottom, right, top), values = values_of(draw(picture)[0])
    assert len(values) == (10 if causal else 16)
    cell = (right - left) / 4
    for one in values:
        x, y = (one.box[0] + one.box[2]) / 2, (one.box[1] + one.box[3]) / 2
        row, column = int((top - y) / cell), int((x - left) / cell)
        assert one.text == f"{picture.panels[0].values[row, column]:.2f}"
        assert left + column * cell <= one.box[0] < one.box[2] <= left + (column + 1) * cell
        assert bottom + (3 - row) * cell <= one.box[1] < one.box[3] <= bottom + (4 - row) * cell


def luminance(colour):
    """WCAG 2.1, relative luminance of red, green, blue from 0 to 1."""
    linear = [share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in colour[:3]]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("cmap", [None, "magma", "Greys", "RdBu_r", "twilight"])
def test_values_are_easy_to_read_on_their_cells(cmap):
    picture = picture_of(6)
    figure, _ = draw(picture, cmap=cmap)
    (image,) = images_of(figure)[0]
    _, texts = values_of(figure)
    assert len(texts) == 36
    for text, value in zip(texts, picture.panels[0].values.ravel(), strict=True):
        front, back = luminance(text.colour), luminance(image.get_cmap()(image.norm(value)))
        assert (max(front, back) + 0.05) / (min(front, back) + 0.05) >= 4.4


@pytest.mark.parametrize(
    ("annotate", "tokens", "count"), [(True, 3, 9), (True, 40, 1600), (False, 3, 0), (None, 64, 0)]
)
def test_values_are_written_when_asked_for_or_while_they_fit(annotate, tokens, count):
    picture = picture_of(tokens)
    assert len(values_of(draw(picture, annotate=annotate)[0])[1]) == count


@FORMATS
def test_the_same_picture_gives_the_same_bytes(form):
    picture = picture_of(5, 4, causal=True)
    assert save(draw(picture)[0], form) == save(draw(picture)[0], form)


@FORMATS
def test_a_figure_may_be_saved_twice_and_in_several_formats(form):
    figure, _ = draw(picture_of(4, causal=True))
    first = save(figure, form)
    save(figure, "png", dpi=60)
    assert save(figure, form) == first


PROGRAM = """
import hashlib, sys, numpy
from attnviz import trace_text
from attnviz.renderers.heatmap.figure import draw, save
from attnviz.renderers.heatmap.picture import View, decide
from attnviz.renderers.shared.scale import Scale
from attnviz.trace.selection import select
trace = trace_text("Your journey starts", heads=2, causal=True)
figure, _ = draw(decide(trace, select(trace)))
print(*(hashlib.sha256(save(figure, form)).hexdigest() for form in ("png", "svg", "pdf")))
print(sorted(name for name in sys.modules if name == "pylab" or name.startswith(("matplotlib.pyplot", "seaborn", "tkinter"))))
"""


def test_another_process_writes_the_same_bytes_and_nothing_imports_pyplot():
    runs = [
        subprocess.run(
            [sys.executable, "-c", PROGRAM],
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONHASHSEED": seed, "PATH": "", "TZ": zone, "SOURCE_DATE_EPOCH": ""},
        ).stdout
        for seed, zone in (("1", "UTC"), ("2", "Asia/Ho_Chi_Minh"))
    ]
    assert runs[0] == runs[1]
    hashes, pyplot = runs[0].splitlines()
    assert len(set(hashes.split())) == 3
    assert pyplot == "[]"


def svg_texts(content):
    root = ElementTree.fromstring(content)
    return ["".join(one.itertext()) for one in root.iter("{http://www.w3.org/2000/svg}text")]


@pytest.mark.parametrize(
    "token", ["journey", "$x_1$", "$", "\\alpha", "<b>&amp;", "]]>", "'\"", "x_1^2", "日本", "việc", "{x}", "%d"]
)
def test_an_svg_holds_every_token_as_the_text_it_is(token):
    array = numpy.eye(3)
    trace = Trace((token, "b", "c"), (Layer(array, array, array),))
    texts = svg_texts(save(draw(decide(trace, select(trace)))[0], "svg"))
    assert texts.count(token) == 2
    assert f"“{token} b c”" in texts


def test_an_svg_points_nowhere_outside_itself():
    text = save(draw(picture_of(4, causal=True))[0], "svg").decode()
    links = re.findall(r'(?:href|src)="([^"]*)"', text)
    assert links
    assert all(link.startswith(("#", "data:image/png;base64,")) for link in links)
    assert "<dc:date>" not in text


def test_a_pdf_is_a_pdf_without_its_date():
    content = save(draw(picture_of(4))[0], "pdf")
    assert content.startswith(b"%PDF-")
    assert content.rstrip().endswith(b"%%EOF")
    assert b"CreationDate" not in content


@pytest.mark.parametrize("dpi", [50, 72, 150, 300])
def test_a_png_has_the_size_of_the_figure(dpi):
    figure, _ = draw(picture_of(3))
    image = Image.open(io.BytesIO(save(figure, "png", dpi)))
    image.load()
    assert image.size == pytest.approx(tuple(figure.get_size_inches() * dpi), abs=1)
    assert image.info["dpi"] == pytest.approx((dpi, dpi), abs=0.1)


def test_a_png_has_150_dots_an_inch_and_a_very_large_one_fewer():
    small, large = (draw(picture_of(size, heads))[0] for size, heads in ((3, 1), (64, 12)))
    assert Image.open(io.BytesIO(save(small, "png"))).width == pytest.approx(small.get_figwidth() * 150, abs=1)
    assert Image.open(io.BytesIO(save(large, "png"))).width == pytest.approx(large.get_figwidth() * 100, abs=1)


@pytest.mark.parametrize("words", ["short", "long", "deep"])
def test_the_labels_of_a_png_are_where_they_are_meant_to_be(words):
    picture = picture_of(6, words=WORDS[words])
    figure, _ = draw(picture)
    texts = texts_of(figure)
    pixels = numpy.asarray(Image.open(io.BytesIO(save(figure, "png", 200))).convert("L"))[::-1]  # from below, as boxes
    extents = extents_of(images_of(figure)[0])[0]
    covered = numpy.zeros(pixels.shape, bool)
    for one in texts:
        left, bottom, right, top = (int(place) for place in numpy.round(one.box))
        covered[max(bottom - 4, 0) : top + 4, max(left - 4, 0) : right + 4] = True
        if one.text in picture.queries and right < extents[0]:
            ink = numpy.argwhere(pixels[bottom - 4 : top + 4, left - 4 : right + 4] < 200)
            assert ink.min(0) == pytest.approx((4, 4), abs=4)
            assert ink.max(0) == pytest.approx((top - bottom + 4, right - left + 4), abs=4)
    beside = slice(0, int(extents[0]) - 4)
    assert (pixels[:, beside][~covered[:, beside]] == 255).all()


@pytest.mark.parametrize(("tokens", "heads"), [(1, 1), (3, 4), (64, 1)])
def test_nothing_touches_the_edge_of_a_png(tokens, heads):
    assert edges_are_white(save(draw(picture_of(tokens, heads, causal=True))[0], "png"))


@pytest.mark.parametrize("dpi", [50, 60, 72, 90, 100, 120, 150, 300])
def test_a_long_title_and_long_labels_stay_in_a_png_of_any_resolution(dpi):
    title = "A title that is a good deal longer than the picture of four tokens is wide"
    assert edges_are_white(save(draw(picture_of(4, words=WORDS["long"], title=title))[0], "png", dpi))


def edges_are_white(content):
    pixels = numpy.asarray(Image.open(io.BytesIO(content)).convert("L"))
    return all((edge == 255).all() for edge in (pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]))


def test_the_cells_of_a_png_have_their_colours():
    picture = picture_of(4, causal=True)
    figure, _ = draw(picture, annotate=False)
    (image,) = images_of(figure)[0]
    left, bottom, right, top = image.get_window_extent().extents
    pixels = numpy.asarray(Image.open(io.BytesIO(save(figure, "png", 100))).convert("RGB"))[::-1]
    for row, column in ((0, 0), (1, 0), (3, 1), (3, 3)):
        x, y = left + (column + 0.5) * (right - left) / 4, top - (row + 0.5) * (top - bottom) / 4
        expected = image.get_cmap()(image.norm(picture.panels[0].values[row, column]), bytes=True)[:3]
        assert numpy.abs(pixels[int(y), int(x)].astype(int) - expected).max() <= 1


def test_an_unknown_colour_map_is_an_error_that_suggests_one():
    with pytest.raises(AttnvizError) as error:
        draw(picture_of(2), cmap="virdis")
    assert "viridis" in error.value.hint


def test_a_colour_map_of_ones_own_is_used():
    images, bar = images_of(draw(picture_of(3, 4), cmap="magma")[0])
    assert {image.get_cmap().name for image in (*images, bar)} == {"magma"}


@pytest.mark.parametrize(
    "title", ["$x_1$", "A title that is a good deal longer than the picture of one token is wide", "日本"]
)
def test_a_title_of_ones_own_is_drawn_as_it_is(title):
    picture = picture_of(4, title=title)
    figure, _ = draw(picture)
    assert boxes_of(texts_of(figure))[:, 2].max() <= figure.get_figwidth() * figure.dpi
    assert title in " ".join(svg_texts(save(figure, "svg")))


@pytest.mark.parametrize(("tokens", "heads"), [(3, 1), (20, 1), (60, 4)])
def test_a_long_line_goes_on_below_itself_instead_of_widening_the_figure(tokens, heads):
    short, long = "Attention", " ".join(f"Attention weights of layer {layer} ·" for layer in range(30))
    picture = picture_of(tokens, heads, title=short)._replace(subtitle=short)
    width = max(draw(picture)[0].get_figwidth(), LEAST_TITLE + 3 * GAP)
    for name in ("title", "subtitle"):
        figure, _ = draw(picture._replace(**{name: long}))
        assert figure.get_figwidth() <= width
        texts = texts_of(figure)
        lines = [one for one in texts if "layer" in one.text]
        assert " ".join(one.text for one in lines) == long
        assert [one.box[3] for one in lines] == sorted((one.box[3] for one in lines), reverse=True)
        assert not any_overlap(boxes_of(texts))
        assert boxes_of(texts).max(axis=0)[3] <= figure.get_figheight() * figure.dpi


def test_no_word_of_a_title_stands_alone_in_its_last_line():
    title = "Attention weights, layer 0, head 0, causal, 1,024 × 1,024 cells of 128 × 128 tokens, max"
    lines = layout(picture_of(3, title=title)).titles
    assert " ".join(lines) == title
    assert len(lines) == 2
    assert max(map(len, lines)) < 1.4 * min(map(len, lines))
    assert lines[0].endswith(",")


def test_nothing_is_drawn_through_the_global_state_of_matplotlib():
    import matplotlib

    before = dict(matplotlib.rcParams)
    save(draw(picture_of(3))[0], "svg")
    assert dict(matplotlib.rcParams) == before
    assert hashlib.sha256(save(draw(picture_of(3))[0], "svg")).hexdigest()
