"""What stands around the maps, in both languages."""

from __future__ import annotations

from dataclasses import replace

import numpy
import pytest

from attnviz import Layer, Rule, Trace, trace_text
from attnviz.choices import Language, MapStep, Pool
from attnviz.renderers.heatmap.picture import View, decide
from attnviz.text.lessons import lessons
from attnviz.trace.along import along
from attnviz.trace.direction import Direction
from attnviz.trace.generation import Generation
from attnviz.trace.selection import select

VI = View(words=lessons(Language.VI))


def layers(*names, heads=2, kv_heads=2, **rule):
    arrays = [numpy.ones((count, 3, 2)) for count in (heads, kv_heads, kv_heads)]
    return [Layer(*arrays, Rule(**rule), index=int(name.split()[-1]), name=name) for name in names]


def titled(trace, view=VI, **choice):
    picture = decide(trace, select(trace, **choice).as_region(), view=view)
    return picture.title, picture.subtitle, [panel.title for panel in picture.panels]


def test_everything_is_said_in_vietnamese():
    trace = trace_text("Your journey starts", heads=2, causal=True, window=2)
    title, _, panels = titled(trace)
    assert title == "Trọng số attention, 2 đầu, nhân quả (causal), cửa sổ 2"
    assert panels == ["Đầu 0", "Đầu 1"]
    assert titled(trace, head=["1"])[0].startswith("Trọng số attention, lớp 0, đầu 1, ")
    picture = decide(trace, select(trace), view=VI)
    assert (picture.axes, picture.blank, picture.measure) == (("Query", "Key"), "bị che", "trọng số")


def test_layers_of_one_stack_and_of_several():
    plain, crossed = (Trace(("a", "b", "c"), tuple(layers(*names))) for names in (("0", "1"), ("cross 0", "cross 1")))
    assert titled(plain)[2][:2] == ["Lớp 0 · đầu 0", "Lớp 0 · đầu 1"]
    assert titled(plain)[0] == "Trọng số attention, 4 đầu của 2 lớp"
    assert titled(crossed)[2][-1] == "Cross 1 · đầu 1"
    assert titled(crossed, layer=["0"], head=["1"])[0] == "Trọng số attention, cross 0, đầu 1"
    grouped = Trace(("a", "b", "c"), tuple(layers("0", kv_heads=1)))
    assert titled(grouped)[2] == ["Đầu 0 · kv 0", "Đầu 1 · kv 0"]


def test_of_a_model_its_name_its_exactness_its_layer_and_its_choice_are_told():
    source = {"kind": "model", "model": "M", "agreement": {"largest_error": 2e-7}, "ids": [1, 2, 3], "special": [0]}
    trace = Trace(("a", "b", "c"), tuple(layers("0")), source, generation=Generation(("d",), (0.5,)))
    title, subtitle, _ = titled(trace, skip_special=True)
    assert title == "Trọng số attention, lớp 0, 2 đầu"
    assert subtitle == (
        "“b c” · rồi mô hình chọn “d” (50 %) · M, tính lại, lệch nhiều nhất 2.0e-07 so với đầu ra của chính nó"
        " · không hiện các token đặc biệt: trung bình chúng lấy 33 % trọng số"
    )


def even_layer():
    array = numpy.zeros((2, 8, 2))
    yield Layer(array, array, array)


def test_heads_of_a_model_wear_the_names_that_they_have_earned():
    trace = Trace(tuple("abcdefgh"), tuple(even_layer()), {"kind": "model", "model": "M"})
    title, _, panels = titled(trace, head=["0"])
    assert title.startswith("Trọng số attention, lớp 0, đầu 0 · trải rộng (1.00)")
    assert panels == ["Đầu 0 · trải rộng (1.00)"]
    picture = decide(trace, select(trace))
    assert picture.panels[0].bare_title == "Head 0"
    pooled = decide(trace, select(trace), view=View(dpi=20, width=20))
    assert pooled.pooled
    assert all(panel.title == panel.bare_title for panel in pooled.panels)


@pytest.mark.parametrize(("pool", "word"), [(Pool.MEAN, "trung bình"), (Pool.MAX, "lớn nhất")])
def test_a_region_and_its_cells_are_told(pool, word):
    trace = trace_text(" ".join(map(str, range(60))))
    view = VI._replace(pool=pool, dpi=20, width=30.0)
    title = titled(trace, view, query="0:50", key="@3")[0]
    assert title.startswith("Trọng số attention, các Query 0–49, Key 3, ")
    assert title.endswith(f"token, {word}")
    assert titled(trace, VI, query="@3", key="0:2")[0] == "Trọng số attention, Query 3, các Key 0–1"


def test_a_title_of_ones_own_stands_alone_and_the_rest_below():
    trace = trace_text("a b c")
    picture = decide(trace, select(trace, query="0:2"), title="Của tôi\n", view=VI)
    assert picture.title == "Của tôi\\n"
    assert "các Query 0–1" in picture.subtitle


def test_along_what_contributions_are_measured_is_the_title():
    trace = along(trace_text("a b", heads=2), "@output")
    said = decide(trace, select(trace), MapStep.CONTRIBUTION).title
    vector = numpy.ones(trace.layers[0].projections["output"].weight.shape[1])
    layers = tuple(replace(layer, toward=Direction("Paris", vector)) for layer in trace.layers)
    other = Trace(trace.tokens, layers, trace.source)
    assert "Paris" in decide(other, select(other), MapStep.CONTRIBUTION).title != said
    assert "output" in said
