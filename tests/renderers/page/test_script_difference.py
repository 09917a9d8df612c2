"""Two maps of one step are on one scale, and beside them stands the first minus the second, at the same tokens."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy
import pytest
from random_traces import projected_trace

from attnviz import Layer, Rule, Trace, diff, trace_text
from attnviz.renderers.page import bundle
from attnviz.renderers.page.limits import Limits
from attnviz.renderers.shared import numbers
from attnviz.trace.steps import Head

pytestmark = pytest.mark.slow  # CI goes through it; the quick tests of the page are those of its numbers and its safety

LEFT, RIGHT = "the cat sat on the mat", "today the dog sat on a mat"
FIRST, SECOND = trace_text(LEFT, heads=2, causal=True), trace_text(RIGHT, heads=2, seed=1)
SUBTRACTED = """async () => {
  %s
  const [one, other] = await Promise.all([0, module_data.layers.length - 1].map(module_data.loaded));
  const found = module_difference.slotsOf(one, other);
  const maps = [one, other].map((layer, place) => ({ layer, map: module_rule.computeMap(layer, [%d, %d][place], "weights") }));
  const map = Array.from(module_difference.subtracted(found, ...maps), (value) => (Number.isNaN(value) ? null : value));
  const { queryTexts, keyTexts } = found.layer;
  return JSON.stringify({ map, queries: queryTexts.labels, keys: keyTexts.labels });
}"""


def needed(name):
    """The module ``name`` as a script, behind those that it needs."""
    done = {}

    def visit(one):
        if one not in done:
            source = (bundle.FOLDER / "script" / f"{one}.js").read_text("utf-8")
            for other in bundle.IMPORT.findall(source):
                visit(other[1])
            done[one] = bundle.as_function(one, source)

    visit(name)
    return "\n".join(done.values())


def subtracted(page, left=0, right=0):
    """What the script subtracts: the values, NaN where there are none, and both axes."""
    found = json.loads(page.page.evaluate(SUBTRACTED % (needed("difference"), left, right)))
    values = numpy.array([numpy.nan if value is None else value for value in found["map"]], float)
    return values.reshape(len(found["queries"]), -1), found["queries"], found["keys"]


def weights(trace, head=0, layer=0):
    """The weights of a head, NaN where hidden."""
    steps = trace.layers[layer].steps(head)
    return numpy.where(steps.hidden, numpy.nan, steps.weights)


def test_only_the_same_tokens_are_subtracted_and_the_others_stand_by_themselves(opened):
    found = diff(FIRST, SECOND, left="0.1", right="0.0")
    page = opened(FIRST, content=found.to_html())
    values, queries, keys = subtracted(page)
    order = ["+ today", "the", "− cat", "+ dog", "sat", "on", "− the", "+ a", "mat"]
    assert (queries, keys) == (order, order)
    shared = {1: (0, 1), 4: (2, 3), 5: (3, 4), 8: (5, 6)}
    left, right = weights(FIRST, 1), weights(SECOND, 0)
    for row in range(9):
        for column in range(9):
            if row in shared and column in shared:
                pairs = left[shared[row][0], shared[column][0]], right[shared[row][1], shared[column][1]]
                assert values[row, column] == pytest.approx(numpy.nan_to_num(pairs[0]) - pairs[1], abs=1e-7)
            else:
                assert numpy.isnan(values[row, column])
    largest = numpy.nanmax(abs(values))
    own = [pane.locator(".legend > span").all_text_contents() for pane in page.page.locator(".pane").all()]
    assert own[2][0] == "more in the first, or less"
    assert (own[2][1], own[2][3]) == (f"-{largest:.2g}", f"{largest:.2g}")
    assert "not in both texts" in own[2][4]


def test_both_maps_have_one_scale(opened, several):
    page = opened(several, view="matrix", layer=0, head=0, other="2_1_weights")
    ends = [
        [pane.locator(".legend > span").all_text_contents()[at] for at in (1, 3)]
        for pane in page.page.locator(".pane").all()[:2]
    ]
    assert ends[0] == ends[1]
    larger = max(numpy.nanmax(weights(several)), numpy.nanmax(weights(several, 1, 2)))
    assert float(ends[0][1].lstrip("≥ ")) == pytest.approx(larger, rel=0.06)
    page.go(view="matrix", layer=0, head=0, step="scaled", other="2_1_scaled")
    assert page.page.locator("#difference-map").count() == 0
    own = [pane.locator(".legend > span").all_text_contents()[3] for pane in page.page.locator(".pane").all()]
    assert own[0] != own[1]


def test_of_one_head_and_itself_every_difference_is_exactly_0(opened, several):
    page = opened(replace(several, layers=several.layers[:1]), view="matrix", other="0_0_weights", query=3, key=1)
    assert page.texts("#readout")[0].endswith("; difference 0.")
    values, _, _ = subtracted(page, 2, 2)
    hidden = numpy.isnan(weights(several))
    assert (numpy.isnan(values) == hidden).all()
    assert (values[~hidden] == 0).all()


def test_what_is_hidden_on_one_side_counts_as_0(opened):
    causal, seeing = trace_text("the cat sat", heads=2, causal=True), trace_text("the cat sat", heads=2)
    page = opened(causal, content=diff(causal, seeing, left="0.0", right="0.1").to_html(), query=0, key=2)
    right = numbers.number(seeing.layers[0].steps(1).weights[0, 2], 4)
    said = f"the with sat: hidden in the first map, {right} in the second; difference -{right}."
    assert page.texts("#readout") == [said]


def test_it_is_walked_with_keys_and_what_only_one_text_has_is_told(opened):
    page = opened(FIRST, content=diff(FIRST, SECOND, left="0.1", right="0.0").to_html(), query=2, key=0)
    page.page.locator("#difference-map").focus()
    assert (
        page.page.locator("#difference-map")
        .get_attribute("aria-label")
        .startswith("Attention map, Difference: the first map")
    )
    page.page.keyboard.press("ArrowRight")  # to − cat, which only the first text has
    page.until("document.querySelector('#readout').textContent.startsWith('sat gives cat')")
    page.page.keyboard.press("ArrowLeft")
    page.page.keyboard.press("ArrowDown")
    page.until("document.querySelector('#readout').textContent.startsWith('on with the')")
    assert "query=3" in page.page.evaluate("location.hash")
    page.page.keyboard.press("Enter")
    assert page.page.locator("#detail").is_hidden()


def test_contributions_are_subtracted_too_where_they_mean_the_same(opened):
    trace = replace(projected_trace(), layers=(replace(projected_trace().layers[0], rule=Rule(causal=True)),))
    page = opened(trace, view="matrix", head=1, step="contribution", other="0_2_contribution", query=4, key=1)
    one, other = (Head(trace.layers[0], head).contribution[4, 1] for head in (1, 2))
    assert page.texts("#readout")[0].endswith(f"; difference {numbers.number(one - other, 4)}.")
    assert page.page.locator("#difference-map").count() == 1
    page.go(view="matrix", head=1, step="contribution", other="0_2_weights", query=4, key=1)
    assert page.page.locator("#difference-map").count() == 0


def test_layers_without_a_common_token_have_no_difference_and_say_so(opened):
    draw = numpy.random.default_rng(1)
    own = Layer(*draw.standard_normal((3, 1, 4, 2)), tokens=tuple("wxyz"))
    trace = Trace(tuple("abcd"), (Layer(*draw.standard_normal((3, 1, 4, 2))), replace(own, index=1)))
    page = opened(trace, view="matrix", layer=0, other="1_0_weights")
    assert page.page.locator("#difference-map").count() == 0
    assert page.texts(".nothing-shared") == ["The two maps have no token in common, so there is no difference to show."]
    page.go(view="matrix", layer=0, other="0_0_weights")
    assert page.texts(".nothing-shared") == [""]
    assert page.page.locator("#difference-map").count() == 1


@pytest.mark.parametrize(("rule", "grows"), [(Rule(causal=True), True), (Rule(), False)])
def test_it_grows_with_the_text_that_is_read_where_both_do(opened, rule, grows):
    layer = Layer(*numpy.random.default_rng(1).standard_normal((3, 2, 4, 2)), rule)
    page = opened(Trace(tuple("abcd"), (layer,)), view="matrix")
    found = "module_difference.slotsOf(module_data.layers[0], module_data.layers[0]).layer"
    assert page.page.evaluate(f"() => {{ {needed('difference')} return module_state.unfolds({found}); }}") == grows


def test_in_sixteen_bits_no_digit_is_shown_that_is_not_the_traces_own(opened):
    draw = numpy.random.default_rng(5)
    trace = Trace(tuple(f"w{place}" for place in range(40)), (Layer(*draw.standard_normal((3, 2, 40, 8)) * 3),))
    page = opened(trace, limits=Limits(exact_part=0), view="matrix", other="0_1_weights", query=9, key=3)
    own = weights(trace, 0)[9, 3] - weights(trace, 1)[9, 3]
    word = page.texts("#readout")[0].rstrip(".").split()[-1]
    digit = 10.0 ** -len(word.partition(".")[2].partition("e")[0])
    assert abs(float(word.lstrip("≈")) - own) <= digit
