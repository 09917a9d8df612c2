"""How a page is put together: the form of its numbers, what is shared, what is refused, how modules become a script."""

from __future__ import annotations

import base64
import re
import zlib

import numpy
import pytest

from attnviz import AttnvizError, Layer, Rule, Trace, trace_text
from attnviz.choices import Language
from attnviz.renderers.page import bundle
from attnviz.renderers.page.blobs import Blobs
from attnviz.renderers.page.packing import LEVELS, Form, estimate, forms, pack, packed
from attnviz.renderers.page.page import to_html
from attnviz.trace.selection import select


def random_trace(layers: int, heads: int, tokens: int, dimension: int, dtype: str = "float32", **rule) -> Trace:
    draw = numpy.random.default_rng(0)
    made = [
        Layer(
            *(draw.standard_normal((heads, tokens, dimension)).astype(dtype) for _ in range(3)), Rule(**rule), index=i
        )
        for i in range(layers)
    ]
    return Trace(tuple(f"w{place}" for place in range(tokens)), tuple(made))


@pytest.mark.parametrize(
    ("shape", "dtype", "form"),
    [
        ((2, 2, 10, 8), "float64", Form.EXACT),
        ((4, 12, 100, 64), "float64", Form.SINGLE),
        ((12, 12, 64, 64), "float32", Form.HALF),
        ((12, 12, 256, 64), "float32", Form.WEIGHTS),
        ((1, 4, 2048, 64), "float32", Form.HALF),
    ],
)
def test_the_most_exact_form_that_is_easy_to_open(shape, dtype, form):
    parts = select(random_trace(*shape, dtype)).layers
    assert forms(parts)[0] is form
    assert estimate(parts, Form.EXACT) >= estimate(parts, Form.SINGLE) > estimate(parts, Form.HALF)


def test_numbers_beyond_half_precision_are_not_cut():
    [part] = select(random_trace(1, 1, 4, 4)).layers
    part.layer.query[0, 0, 0] = 1e5
    huge = part._replace(heads=(0,) * 200_000)
    assert forms([huge]) == [Form.WEIGHTS]


def test_weights_lie_within_half_a_level():
    [part] = select(random_trace(1, 3, 20, 8, causal=True)).layers
    arrays, error = pack(part, Form.WEIGHTS)
    own = part.layer.steps().weights
    packed = numpy.where(arrays["levels"] > 0, arrays["levels"] - 1.0, 0) * arrays["scales"][..., None] / LEVELS
    assert (arrays["levels"] == 0).tolist() == (~numpy.tri(20, dtype=bool))[None].repeat(3, 0).tolist()
    assert numpy.abs(packed - own).max() == pytest.approx(error, rel=1e-4)
    assert error <= 0.5 / LEVELS * own.max() * 1.001


@pytest.mark.parametrize("heads", [(), ("3,1",)], ids=["all", "some"])
def test_weights_of_grouped_heads_that_are_computed_in_blocks_stay_in_order(heads, monkeypatch):
    monkeypatch.setattr("attnviz.renderers.page.packing.CELLS", 60 * 7)
    monkeypatch.setattr("attnviz.analysis.blocks.CELLS", 60 * 7)
    query, key = (numpy.random.default_rng(0).standard_normal((count, 60, 4)) for count in (4, 2))
    trace = Trace(tuple(map(str, range(60))), (Layer(query, key, key, Rule(causal=True)),))
    (part,) = select(trace, head=heads).layers
    arrays, error = pack(part, Form.WEIGHTS)
    weights = trace.layers[0].steps().weights[list(part.heads)]
    shown = numpy.where(arrays["levels"] > 0, arrays["levels"] - 1.0, 0) * arrays["scales"][..., None] / LEVELS
    assert numpy.abs(shown - weights).max() <= error * 1.001 + 1e-12


def test_the_error_of_half_precision_is_measured():
    [part] = select(random_trace(1, 4, 600, 16, window=9, sinks=numpy.ones(4))).layers
    _, error = pack(part._replace(heads=(3, 1)), Form.HALF)
    assert 1e-6 < error < 1e-2


def test_an_array_of_many_layers_is_there_once():
    blobs, mask = Blobs(), numpy.tri(40, dtype=numpy.uint8)
    places = [blobs.add(mask), blobs.add(numpy.arange(4.0)), blobs.add(mask.copy())]
    assert [place["blob"] for place in places] == [0, 1, 0]
    first, second = blobs.texts()
    assert zlib.decompress(base64.b64decode(first)) == mask.tobytes()
    assert numpy.frombuffer(zlib.decompress(base64.b64decode(second))).tolist() == [0, 1, 2, 3]


def test_twelve_layers_of_twelve_heads_of_256_tokens_take_less_than_ten_megabytes():
    assert len(random_trace(12, 12, 256, 64, causal=True).to_html()) < 6e6
    assert len(random_trace(12, 12, 256, 64).to_html()) < 10e6


def test_a_page_that_is_too_large_says_what_fits():
    trace = random_trace(4, 4, 120, 64)
    with pytest.raises(AttnvizError, match=r"would take 0\.\d\d MB, and 0\.3 are the most") as refused:
        to_html(trace, select(trace), budget=0.3)
    layers = int(re.match(r"about (\d) of the 4 layers fit: select them with --layer", refused.value.hint or "")[1])
    assert len(trace.to_html(layer=range(layers), max_size=0.3)) < 0.3e6
    with pytest.raises(AttnvizError) as refused:
        to_html(trace, select(trace, layer=["0"]), budget=0.21)
    heads = int(re.match(r"about (\d) heads of one layer fit: select them with", refused.value.hint or "")[1])
    assert len(trace.to_html(layer=[0], head=range(heads), max_size=0.21)) < 0.21e6


def test_a_smaller_budget_takes_smaller_numbers():
    trace = random_trace(4, 4, 120, 64)
    assert len(trace.to_html(max_size=50)) > 1.5e6
    assert len(trace.to_html(max_size=1.5)) < 1.5e6


def test_numbers_that_rounding_would_falsify_are_given_as_weights():
    """Scores so large that a rounded query means another weight: 8 bits of the weight itself are nearer."""
    draw = numpy.random.default_rng(0)
    arrays = (20 * draw.standard_normal((12, 64, 64)).astype("float32") for _ in range(3))
    [part] = select(Trace(tuple(map(str, range(64))), (Layer(*arrays),))).layers
    assert pack(part, Form.HALF).error > 0.02
    attempt = packed([part] * 12)
    assert (attempt.form, attempt.error <= 0.5 / LEVELS * 1.001) == (Form.WEIGHTS, True)


@pytest.mark.parametrize("place", [3, 700, 1199])
def test_the_error_is_that_of_every_query(place):
    [part] = select(random_trace(1, 1, 1200, 16)).layers
    part.layer.query[0, place] *= 8
    arrays, error = pack(part, Form.HALF)
    own, rounded = (
        Layer(*(one[name].astype(float) for name in ("query", "key", "value"))).steps().weights
        for one in (vars(part.layer), arrays)
    )
    assert numpy.abs(own - rounded).max() == pytest.approx(error, rel=1e-9)


def test_numbers_beyond_single_precision_are_not_cut():
    layer = Layer(*(numpy.full((1, 2, 3), value) for value in (1e45, 1e-45, 1.0)))
    [part] = select(Trace(("a", "b"), (layer,))).layers
    assert Form.SINGLE not in forms([part], 0)
    assert pack(part, Form.WEIGHTS).error < 1e-3


def test_a_row_that_a_mask_lowers_as_a_whole_keeps_its_weights():
    bias = numpy.array([[0.0, -1e4], [-1e4, -1e4]])
    [part] = select(random_trace(1, 1, 2, 4, bias=bias)).layers
    arrays, error = pack(part, Form.WEIGHTS)
    assert (arrays["levels"][0] > 0).tolist() == [[True, False], [True, True]]
    assert error <= 0.5 / LEVELS


def test_a_sink_that_takes_nearly_all_leaves_numbers():
    [part] = select(random_trace(1, 1, 4, 4, sinks=numpy.array([95.0]))).layers
    arrays, error = pack(part, Form.WEIGHTS)
    assert error < 1e-30
    assert (arrays["levels"].max(), numpy.isfinite(arrays["scales"]).all()) == (LEVELS + 1, True)


def test_a_hopeless_page_is_refused_before_it_is_computed(monkeypatch):
    monkeypatch.setattr("attnviz.renderers.page.packing.EASY", 0)
    monkeypatch.setattr("attnviz.renderers.page.page.make_record", None)
    trace = random_trace(1, 2, 4000, 2)
    with pytest.raises(AttnvizError, match="would take"):
        to_html(trace, select(trace), budget=0.01)


def test_torch_tensors_make_the_same_page():
    trace = trace_text("Your journey starts", heads=2, causal=True)
    assert trace.to("torch").to_html() == trace.to_html()


def test_to_html_knows_its_languages():
    trace = trace_text("a b")
    assert '<html lang="vi">' in trace.to_html(language="vi")
    with pytest.raises(AttnvizError, match="language is 'fr': there are en, vi"):
        trace.to_html(language="fr")


def test_every_message_of_the_page_is_said_by_a_script():
    from attnviz.text.lessons import lessons

    script = bundle.scripts()
    names = {name for name in lessons(Language.EN).messages if name.startswith("page.")}
    families = ("page.sort_", "page.nothing_", "page.overview", "page.matrix", "page.lines", "page.text", "page.steps")
    assert {name for name in names if f'"{name}"' not in script and not name.startswith(families)} == set()


def test_modules_come_after_those_they_import():
    sources = {
        "main": 'import { a } from "./one.js";\nimport { b } from "./two.js";\n',
        "one": 'import { b } from "./two.js";\n',
        "two": "",
        "unused": "",
    }
    assert bundle._ordered(sources) == ["two", "one", "main"]
    with pytest.raises(ValueError, match="import each other: main → one → main"):
        bundle._ordered({"main": 'import { a } from "./one.js";\n', "one": 'import { b } from "./main.js";\n'})


def test_a_module_becomes_a_function_of_what_it_exports():
    source = 'import { a } from "./one.js";\nexport const b = a;\nexport async function c() {}\nfunction d() {}\n'
    assert bundle._function("two", source) == (
        "const module_two = (() => {\nconst { a } = module_one;\nconst b = a;\nasync function c() {}\nfunction d() {}\n"
        "return { b, c };\n})();"
    )
    with pytest.raises(ValueError, match="does not know"):
        bundle._function("two", 'import a from "./one.js";\n')


def test_every_module_is_used():
    script = bundle.scripts()
    for path in (bundle.FOLDER / "script").glob("*.js"):
        assert f"const module_{path.stem} = " in script
