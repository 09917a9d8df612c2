"""Pictures to draw, and what a figure draws: its texts with their boxes, its images."""

from __future__ import annotations

import io
import warnings
import xml.etree.ElementTree as ElementTree

import numpy
from matplotlib.backend_bases import RendererBase
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.image import BboxImage
from PIL import Image

from attnviz import Layer, Rule, Trace
from attnviz.choices import MapStep
from attnviz.renderers.heatmap.picture import decide
from attnviz.trace.selection import select
from tests.support.contributions import with_output

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
    trace = Trace(
        tuple(map(words, range(queries))), (with_output(Layer(query, key, value, rule, key_tokens=key_tokens)),)
    )
    return decide(trace, select(trace), step, title)


def region_of(queries, keys, heads=1, words=WORDS["long"]):
    count = 3000
    array = numpy.random.default_rng(0).standard_normal((heads, count, 2))
    trace = Trace(tuple(map(words, range(count))), (Layer(array, array, array),))
    return decide(trace, select(trace, query=queries, key=keys))


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


def svg_texts(content):
    root = ElementTree.fromstring(content)
    return ["".join(one.itertext()) for one in root.iter("{http://www.w3.org/2000/svg}text")]


def edges_are_white(content):
    pixels = numpy.asarray(Image.open(io.BytesIO(content)).convert("L"))
    return all((edge == 255).all() for edge in (pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]))


def frames_of(content):
    """Each frame of a picture that moves: its pixels, and how long it is shown."""
    image = Image.open(io.BytesIO(content))
    found = []
    for number in range(image.n_frames):
        image.seek(number)
        image.load()
        found.append((numpy.asarray(image.convert("RGB")).astype(int), image.info["duration"]))
    return found
