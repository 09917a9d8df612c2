"""The script says the formula again: it hides what attend() hides, and gives the weights that attend() gives."""

from __future__ import annotations

import json

import numpy
import pytest
from generated_rules import DEPTHS, PLACES, TYPES, generated_layers
from hiding_rules import FLOATS, arrays, rules

from attnviz import Layer, Rule, Trace
from attnviz.choices import MapStep
from attnviz.renderers.page import bundle
from attnviz.renderers.page.levels import LEVELS
from attnviz.renderers.page.limits import USUAL, Limits
from attnviz.renderers.page.page import to_html
from attnviz.trace.selection import select
from tests.support.contributions import norms, summed_norms, with_output

pytestmark = pytest.mark.slow  # CI goes through it; the quick tests of the page are those of its numbers and its safety

QUERIES, KEYS = 5, 7
COUNT = len(TYPES) * len(DEPTHS) * len(PLACES)
# What rule.js computes of every layer, head and query, in this very page.
ROWS = """async () => {
  %s
  const rows = [];
  for (const { place } of module_data.layers) {
    const layer = await module_data.loaded(place);
    rows.push(layer.heads.map((_, head) => Array.from({ length: layer.queries }, (_, query) => {
      const map = new Float64Array(layer.keys); // the same row, as a whole map is computed
      module_rule.fillWeights(map, 0, layer, head, query);
      const row = { ...module_rule.rowOf(layer, head, query), map: map.map((weight) => (Number.isNaN(weight) ? -1 : weight)) };
      if (layer.contributes) {
        const whole = module_rule.computeMap(layer, head, "contribution");
        row.contributions = whole.subarray(query * layer.keys, (query + 1) * layer.keys).map((one) => (Number.isNaN(one) ? -1 : one));
      }
      if (layer.sums) {
        const whole = module_rule.computeMap(layer, 0, "summed");
        row.sums = whole.subarray(query * layer.keys, (query + 1) * layer.keys).map((one) => (Number.isNaN(one) ? -1 : one));
      }
      return Object.fromEntries(%s.map((name) => [name, Array.from(row[name])]));
    })));
  }
  return JSON.stringify(rows, (_, value) => (value === -Infinity ? "-Infinity" : value));
}"""
STEPS = (*MapStep, "hidden", "output", "map", "contributions", "sums")


def rows_of(page, names=STEPS):
    """For each layer the arrays of ``names``, (heads, queries, …), as the page's script computes them."""
    needed = ("failure", "data", "products", "rule")
    sources = {name: (bundle.FOLDER / "script" / f"{name}.js").read_text("utf-8") for name in needed}
    modules = "\n".join(bundle.as_function(name, source) for name, source in sources.items())
    computed = json.loads(page.page.evaluate(ROWS % (modules, [str(name) for name in names])))
    return [
        {name: numpy.array([[row[name] for row in head] for head in layer], dtype=float) for name in names}
        for layer in computed
    ]


def seeded() -> list[Layer]:
    """Every option at random, with biases of every type, depth and place."""
    return generated_layers(COUNT, QUERIES, KEYS)


def hiding() -> list[Layer]:
    """The rules that every look is held against, on vectors whose scores are exact in single precision."""
    return [
        Layer(*(numpy.rint(array * 8) / 8 for array in arrays(kind)), rule, name=name)
        for kind in FLOATS
        for name, rule in rules(kind).items()
    ]


def shared() -> list[Layer]:
    """A mask and a bias of every shape that stands for queries × keys, which some heads, queries or keys share."""
    draw, layers = numpy.random.default_rng(4), []
    for shape in ((), (1,), (7,), (1, 7), (5, 1), (5, 7), (1, 5, 7), (4, 1, 7), (4, 5, 1), (4, 1, 1)):
        vectors = (
            numpy.rint(draw.standard_normal((heads, count, 4)) * 8) / 8 for heads, count in ((4, 5), (2, 7), (2, 7))
        )
        rule = Rule(mask=draw.random(shape) < 0.7, bias=numpy.where(draw.random(shape) < 0.3, -1e9, 0.5))
        layers.append(Layer(*vectors, rule, name=f"{shape}", key_tokens=tuple("abcdefg")))
    return layers


@pytest.mark.slow
@pytest.mark.parametrize("layers", [seeded, hiding, shared])
@pytest.mark.parametrize("limits", [USUAL, Limits(computed_part=0)], ids=["exact", "8 bits"])
def test_generated_rules_hide_the_same_cells_and_give_the_same_weights(opened, layers, limits):
    made = [with_output(layer) for layer in layers()]
    trace = Trace(tuple(map(str, range(made[0].query.shape[1]))), tuple(made))
    content = to_html(trace, select(trace), limits=limits, step=MapStep.SUMMED)
    page = opened(trace, content=content, view="matrix", step="weights")
    names = STEPS if limits is USUAL else ("weights", "hidden", "map")
    for layer, shown in zip(made, rows_of(page, names), strict=True):
        steps, about = layer.steps(), f"{layer.title}, {layer.query.dtype}, {layer.rule}"
        assert (shown["hidden"].astype(bool) == steps.hidden).all(), about
        row = numpy.where(steps.hidden, -1, shown["weights"])
        numpy.testing.assert_allclose(shown["map"], row, rtol=1e-6, err_msg=about)
        close = 1e-12 if layer.query.dtype == numpy.float64 else 1e-6
        if close == 1e-6 and layer.rule.softcap is not None:
            close = 1e-3  # the last digit of tanh is another library's: beside a bias of −10⁴ it may round another way
        if limits is not USUAL:
            close = steps.weights.max(axis=-1, keepdims=True) / LEVELS / 2 + 1e-7
        assert (numpy.abs(shown["weights"] - steps.weights) <= close).all(), about
        if limits is USUAL:
            for name in ("scores", "scaled", "masked", "output"):
                numpy.testing.assert_allclose(shown[name], getattr(steps, name), rtol=2e-6, atol=2e-6, err_msg=about)
            own = norms(layer)
            assert (numpy.abs(shown["contribution"] - own) <= close * own.max() + 2e-6 * own).all(), about
            summed, unseen = summed_norms(layer), steps.hidden.all(axis=0)
            for found in shown["summed"]:
                assert (numpy.abs(found - summed) <= close * own.sum(axis=0).max() + 2e-6 * own.sum(axis=0)).all(), (
                    about
                )
            row = numpy.where(unseen, -1, shown["summed"])
            numpy.testing.assert_allclose(shown["sums"], row, rtol=1e-6, atol=1e-7, err_msg=about)
            hidden = numpy.where(steps.hidden, -1, shown["contribution"])
            numpy.testing.assert_allclose(shown["contributions"], hidden, rtol=1e-6, atol=1e-7, err_msg=about)


def test_the_generated_rules_are_those_that_differ():
    """Some hide cells by a finite bias, some lower a row as a whole, and single precision rounds some of these rows."""
    hidden_by_bias = rounded = lowered = 0
    for layer in seeded():
        steps = layer.steps()
        rule, bias = layer.rule, numpy.broadcast_to(layer.rule.bias, steps.scores.shape)
        hidden_by_bias += bool((steps.hidden & (bias < -80) & (bias > -numpy.inf)).any())
        deep = (bias < -1000).all(axis=-1)
        lowered += bool((deep & ~steps.blind).any())
        wide = Layer(*(array.astype(float) for array in (layer.query, layer.key, layer.value)), rule).steps()
        rounded += bool(numpy.abs(wide.weights - steps.weights).max() > 1e-3)
    assert min(hidden_by_bias, lowered, rounded) > 5


@pytest.mark.parametrize("kind", ["float32", "float64"])
@pytest.mark.parametrize("lowest", [-1e4, -1e9, "finfo.min"])
def test_a_row_that_is_lowered_as_a_whole_is_shown(opened, kind, lowest):
    """Its weights in every view, and in the one row that hides two cells only these are hatched."""
    draw = numpy.random.default_rng(3)
    arrays = (draw.standard_normal((1, 3, 4)).astype(kind) for _ in range(3))
    low = float(numpy.finfo(kind).min) if lowest == "finfo.min" else lowest
    bias = numpy.array([[low, low, low], [0.0, low, low], [0.0, 0.0, 0.0]], dtype=kind)
    trace = Trace(("a", "b", "c"), (Layer(*arrays, Rule(bias=bias)),))
    weights = trace.layers[0].steps(0).weights
    page = opened(trace, view="matrix")
    states = [{"view": "matrix", "query": query, "key": key} for query in range(3) for key in range(3)]
    said = [shown["#readout"][0] for shown in page.read(states, "#readout")]
    assert [line.split()[2:4] == ["hidden", "from"] for line in said] == [False] * 4 + [True] * 2 + [False] * 3
    for state, line in zip(states, said, strict=True):
        if "hidden" not in line:
            shown = float(line.split()[-1].rstrip("."))
            assert shown == pytest.approx(weights[state["query"], state["key"]], abs=5.1e-5)
    page.go(view="text", query=0)
    tinted = page.page.locator(".word").evaluate_all("words => words.map((one) => one.style.backgroundColor !== '')")
    assert tinted == [weight > 0.01 for weight in weights[0]]


WRITTEN = """() => {
  window.written = [];
  const fillText = CanvasRenderingContext2D.prototype.fillText;
  CanvasRenderingContext2D.prototype.fillText = function (text, ...place) {
    window.written.push(text);
    return fillText.call(this, text, ...place);
  };
}"""


@pytest.mark.parametrize(
    ("kind", "lowest", "expected"),
    [("float32", -1e9, "-1e+09"), ("float32", "finfo.min", "-3.4e+38"), ("float64", "finfo.min", "-1.8e+308")],
)
def test_a_number_of_many_digits_stays_in_its_cell(opened, kind, lowest, expected):
    vectors = numpy.ones((1, 3, 4), dtype=kind)
    low = float(numpy.finfo(kind).min) if lowest == "finfo.min" else lowest
    bias = numpy.where(numpy.arange(3)[:, None] == 1, low, 0.0).astype(kind)
    trace = Trace(("a", "b", "c"), (Layer(vectors, vectors, vectors, Rule(bias=bias)),))
    page = opened(trace, view="overview")
    page.page.evaluate(WRITTEN)
    page.go(view="matrix", step="masked")
    assert {"2.00", expected} <= set(page.page.evaluate("written"))
    assert page.texts(".legend > span")[1] == expected
