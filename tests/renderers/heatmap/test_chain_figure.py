"""A chain as a figure: nothing lies on anything else, whatever the text, the width and the language are."""

from __future__ import annotations

import io

import numpy
import pytest
from matplotlib.image import BboxImage
from PIL import Image

from attnviz import AttnvizError, Layer, Trace, trace_text
from attnviz.choices import Comparison, Language
from attnviz.renderers.heatmap.all_steps import decide_steps
from attnviz.renderers.heatmap.chain_figure import draw_chain
from attnviz.renderers.heatmap.comparison import decide_comparison
from attnviz.renderers.heatmap.figure import save
from attnviz.renderers.heatmap.picture import View
from attnviz.renderers.heatmap.text_artist import TextArtist
from attnviz.text.lessons import lessons
from attnviz.trace.selection import select
from tests.support.figures import boxes_of, edges_are_white, overlaps, texts_of

WIDE = numpy.random.default_rng(0).normal(size=(1, 3, 64))
TRACES = {
    "three": trace_text("Your journey starts", causal=True),
    "one": trace_text("a"),
    "twelve": trace_text("Your journey starts with one step and then it goes on forever", causal=True),
    "long words": trace_text("antidisestablishmentarianism is anticonstitutionally long", position="alibi", heads=2),
    "forty": trace_text(" ".join(f"w{place}" for place in range(40)), causal=True),
    "wide": Trace(("a", "b", "c"), (Layer(WIDE, WIDE, WIDE),)),
    "pooled": trace_text(" ".join(f"w{place}" for place in range(500)), causal=True),
}


def chains(trace, width, language):
    view, selected = View(words=lessons(language), width=width), select(trace).layers[0]._replace(heads=(0,))
    yield decide_steps(trace, selected, None, view)
    yield decide_comparison(trace, selected, Comparison.CAUSAL, None, view)


@pytest.mark.slow
@pytest.mark.parametrize("name", TRACES)
@pytest.mark.parametrize(("width", "language"), [(None, Language.EN), (None, Language.VI), (174.0, Language.VI)])
def test_nothing_lies_on_anything_else_or_leaves_the_figure(name, width, language):
    for chain in chains(TRACES[name], width, language):
        figure, missing = draw_chain(chain)
        assert missing == ""
        assert figure.get_figwidth() == pytest.approx(12.8 if width is None else width / 25.4)
        texts = texts_of(figure)
        boxes = boxes_of(texts)
        wide, high = figure.get_size_inches() * figure.dpi
        assert boxes.min() >= 0
        assert [texts[place].text for place in numpy.flatnonzero(boxes[:, 2] > wide)] == []
        assert boxes[:, 3].max() <= high
        pairs = numpy.argwhere(numpy.triu(overlaps(boxes, boxes), 1))
        assert [(texts[a].text, texts[b].text) for a, b in pairs] == []
        [artist] = figure.findobj(TextArtist)
        assert min(text.size for text in artist.texts) >= (5.5 if width is None else 6.0)


def test_it_is_as_wide_as_a_slide_in_pixels():
    [chain, _] = chains(TRACES["three"], None, Language.EN)
    content = save(draw_chain(chain)[0], "png", 125)
    assert Image.open(io.BytesIO(content)).width == 1600
    assert edges_are_white(content)


def test_some_of_the_maps_stand_where_they_stand_in_the_whole():
    [chain, _] = chains(TRACES["three"], None, Language.EN)
    whole, some = (draw_chain(chain, shown=shown)[0].findobj(BboxImage) for shown in (None, 2))
    assert (len(whole), len(some)) == (10, 4)  # a map and its bar, each
    for one, other in zip(whole, some, strict=False):
        assert one.get_window_extent().bounds == pytest.approx(other.get_window_extent().bounds)


def test_too_little_is_told_with_what_would_do():
    [chain, _] = chains(TRACES["three"], 20.0, Language.EN)
    with pytest.raises(AttnvizError, match="does not fit into 20 mm") as error:
        draw_chain(chain)
    enough = float(error.value.hint.split("about ")[1].split()[0])
    assert draw_chain(
        chain._replace(width=enough / 25.4, maps=tuple(one._replace(width=enough / 25.4) for one in chain.maps))
    )


@pytest.mark.parametrize(
    "form", ["svg", pytest.param("png", marks=pytest.mark.slow), pytest.param("pdf", marks=pytest.mark.slow)]
)
def test_the_same_chain_gives_the_same_bytes(form):
    first, second = (save(draw_chain(next(chains(TRACES["three"], None, Language.EN)))[0], form) for _ in range(2))
    assert first == second
