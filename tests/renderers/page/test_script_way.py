"""The player from the tokens to W_O: each number as attend() and NumPy have it, each sentence as explain says it."""

from __future__ import annotations

from xml.etree import ElementTree

import numpy
import pytest
from random_traces import projected_trace
from ways_of_traces import VECTOR_NUMBERS, is_known, rows_of, stages_of

from attnviz import Layer, Trace, trace_model, trace_text
from attnviz.choices import Position
from attnviz.renderers.explain.document import Section
from attnviz.renderers.page.limits import Limits
from attnviz.renderers.shared import numbers
from attnviz.text.lessons import lessons

pytestmark = pytest.mark.slow  # CI goes through it; the quick tests of the page are those of its numbers and its safety

TOY = {
    "one head": lambda: trace_text("the cat saw the dog"),
    "four heads": lambda: trace_text("the cat saw the dog", heads=4, causal=True),
    "positions": lambda: trace_text("the cat saw the dog", position=Position.SINUSOIDAL),
    "turned": lambda: trace_text("the cat saw the dog", heads=2, position=Position.ROPE),
    "grouped": projected_trace,
    "large W_O": lambda: projected_trace(9000),
    "tiny": lambda: trace_model("tiny", "the queen met the actor . she"),
}


def known(trace, layer=0):
    return [stage for stage in stages_of(trace, layer) if is_known(trace, stage, layer)]


SLOW = ("one head", "four heads", "positions", "turned")  # what these show, the others show as well
KINDS = [pytest.param(kind, marks=pytest.mark.slow) if kind in SLOW else kind for kind in TOY]


OF_KEYS = ("scores", "scaled", "masked", "weights", "output", "contribution")  # whose charts have a row for each key


@pytest.mark.parametrize("kind", KINDS)
def test_every_vector_is_the_trace_s(opened, kind):
    trace = TOY[kind]()
    layer, head = len(trace.layers) - 1, trace.layers[0].heads - 1
    page = opened(trace, view="steps")
    ends = [stage for stage in known(trace, layer) if stage not in OF_KEYS]
    where = {"layer": layer} if layer else {}
    states = [{"view": "steps", **where, "head": head, "stage": stage} for stage in ends]
    for stage, shown in zip(ends, page.read(states, ".vectors .vector", ".stages li"), strict=True):
        expected = [numbers.vector(row, 4, most=VECTOR_NUMBERS) for row in rows_of(trace, layer, head, stage)]
        assert shown[".vectors .vector"] == expected, stage
        assert len(shown[".stages li"]) == len(stages_of(trace, layer))


@pytest.mark.parametrize(
    "kind", ["grouped", "tiny", *(pytest.param(kind, marks=pytest.mark.slow) for kind in ("four heads", "turned"))]
)
def test_a_row_times_a_matrix_is_written_out(opened, kind):
    """The row, the matrix, each sum and its products, for each of W_Q, W_K, W_V and W_O."""
    trace = TOY[kind]()
    [own], head = trace.layers[:1], 1
    page = opened(trace, view="steps")
    tokens = len(trace.tokens)
    for side in ("query", "key", "value", "output"):
        last = side == "output"
        place = own.kv_head(head) if side in ("key", "value") else head
        width = own.projections[side].weight.shape[1] if last else getattr(own, side).shape[-1]
        columns = slice(0, width) if last else slice(place * width, (place + 1) * width)
        weight = own.projections[side].weight[:, columns]
        bias = own.projections[side].bias
        bias = None if bias is None else bias[columns]
        row = own.concat(own.steps().output)[-1] if last else own.inputs[tokens - 1]
        page.go(view="steps", head=head, stage="projected" if last else side)
        check_product(page, row, weight, bias)


def check_product(page, row, weight, bias):
    result = row @ weight + (0 if bias is None else bias)
    rows = [*range(len(row))] if len(row) <= 8 else [0, 1, 2, 3, *range(len(row) - 4, len(row))]
    shown = min(weight.shape[1], 6)
    factors = page.texts(".product tbody tr:not(.cut) th")[: len(rows)]
    assert factors == [numbers.cells(numpy.array([row]), 4)[0][place] for place in rows]
    cells = page.texts(".product tbody td:not(.sign):not(.cut td)")
    [written] = numbers.cells(weight[rows][:, :shown].reshape(1, -1), 4)
    assert cells[: len(written)] == written
    sums = numbers.cells(result[None], 4)[0]
    assert page.texts(".product tfoot button") == sums[:shown]
    for column in range(min(2, shown)):
        page.page.locator(".product tfoot button").nth(column).click()
        terms = [f"{numbers.factor(a, 4)}×{numbers.factor(b, 4)}" for a, b in zip(row, weight[:, column], strict=True)]
        if len(terms) > 16:
            terms = [*terms[:8], f"… {len(terms) - 16} more …", *terms[-8:]]
        terms += [] if bias is None else [numbers.factor(bias[column], 4)]
        assert page.texts(".product .sum") == [f"{' + '.join(terms)} = {numbers.number(result[column], 4)}"]


@pytest.mark.parametrize("lang", ["en", "vi"])
@pytest.mark.parametrize(
    ("kind", "layer"), [pytest.param("positions", 0, marks=pytest.mark.slow), ("tiny", 0), ("tiny", 1)]
)
def test_both_ends_are_told_as_explain_tells_them(opened, told, kind, layer, lang):
    trace = TOY[kind]()
    page = opened(trace, lang=lang, view="steps")
    steps = [stage for stage in ("embeddings", "concat", "projected") if stage in known(trace)]
    sections = list(told(trace, lang=lang, query="@0", head=["0"], layer=[str(layer)], step=steps))
    states = [{"view": "steps", "layer": layer, "query": 0, "stage": stage} for stage in steps]
    shown_of = zip(
        [one for one in sections if isinstance(one, Section)],
        page.read(states, ".story h2", ".formula", ".sentence"),
        strict=True,
    )
    for section, shown in shown_of:
        assert shown[".story h2"] == [section.title]
        assert shown[".formula"] == [section.formula]
        assert [sentence.replace("`", "") for sentence in section.sentences] == shown[".sentence"]


def test_forward_goes_through_all_that_is_known_and_back_again(opened):
    """With the keyboard alone."""
    trace = TOY["positions"]()
    page = opened(trace, view="steps")
    page.page.get_by_role("button", name="One step forward").focus()
    seen = page.texts(".story h2")
    for _ in range(8):
        page.press("ArrowRight")
        seen += page.texts(".story h2")
    titles = [lessons().say(f"title.{stage}") for stage in known(trace)]
    assert seen == titles[:9]
    page.press("ArrowRight", "ArrowRight", "ArrowRight")
    assert page.texts(".story h2") == ["Contribution"]
    assert page.texts(".skipped") == [""]
    page.press(*["ArrowLeft"] * 12)
    assert page.texts(".story h2") == ["Embeddings"]


def test_a_captured_model_is_walked_as_far_as_it_is_known(opened, several):
    page = opened(several, view="steps")
    assert page.texts(".story h2") == ["Query"]
    assert page.texts(".skipped") == ["Passed over, because it is not known here: Embeddings, Projected."]
    page.page.locator(".stage", has_text="Projected").click()
    assert page.texts(".story h2") == ["Projected"]
    assert page.texts(".sentence")[0].startswith(
        "W_O, the matrix that mixes what the heads have found, is not in the trace."
    )
    page.press("ArrowLeft")
    assert page.texts(".story h2") == ["Concat"]


def test_some_heads_alone_are_not_joined(opened, several):
    page = opened(several, view="steps", selected={"head": ["1", "2"]}, stage="concat")
    assert page.texts(".sentence")[0].startswith("This page holds only some of the layer's heads")


def test_some_heads_with_w_o_are_joined_with_the_others(opened):
    trace = projected_trace()
    page = opened(trace, view="steps", selected={"head": ["2"]}, stage="projected")
    expected = rows_of(trace, 0, 0, "projected")[0]
    assert page.texts(".vectors .vector") == [numbers.vector(expected, 4, most=VECTOR_NUMBERS)]


@pytest.mark.slow
def test_what_had_no_room_is_said(opened):
    trace = trace_text("the cat", heads=8, dim=512)
    page = opened(trace, view="steps", stage="embeddings", limits=Limits(megabytes=1))
    assert page.texts(".sentence")[0].startswith("The numbers of this step would make the page too large.")


@pytest.mark.slow
def test_each_step_is_a_link(opened):
    trace = TOY["four heads"]()
    page = opened(trace, view="steps", head=2, query=1)
    for place, stage in enumerate(stages_of(trace)):
        address = page.page.locator(".stage").nth(place).get_attribute("href")
        page.load(**dict(part.split("=") for part in address[1:].split("&")))
        assert page.texts(".story h2") == [lessons().say(f"title.{stage}")]
        assert page.texts("[aria-current=step]") == [f"{place + 1} {lessons().say(f'title.{stage}')}"]


def test_the_columns_of_a_product_are_reached_by_arrows(opened):
    trace = TOY["tiny"]()
    page = opened(trace, view="steps", stage="query")
    page.page.locator(".product tfoot [aria-pressed=true]").focus()
    page.press(*["ArrowRight"] * 9)
    assert page.texts(".product > .quiet") == ["columns 6 to 11 of 24"]
    value = float(trace.layers[0].query[0, -1, 9])
    assert page.texts(".product .sum")[0].endswith(f"= {numbers.number(value, 4)}")
    assert page.texts(".story h2") == ["Query"]
    page.press(*["ArrowLeft"] * 20)
    assert page.texts(".product > .quiet") == ["columns 0 to 5 of 24"]


def test_a_product_is_saved_with_its_numbers_and_its_sum(opened):
    trace = TOY["four heads"]()
    page = opened(trace, view="steps", stage="query")
    with page.page.expect_download() as download:
        page.page.locator("#save-svg").click()
    texts = [text.text for text in ElementTree.parse(download.value.path()).iter("{http://www.w3.org/2000/svg}text")]
    [result] = numbers.cells(trace.layers[0].query[0, -1][None], 4)
    place = texts.index("q")
    assert texts[place : place + 2 + len(result)] == ["q", "=", *result]
    said = " ".join(text or "" for text in texts)  # a long sum is folded
    assert f"= {numbers.number(trace.layers[0].query[0, -1, 0], 4)}" in said.partition(" ×")[2]


def test_a_token_is_chosen_in_the_list_of_its_vectors(opened):
    page = opened(TOY["four heads"](), view="steps", stage="key", query=4)
    page.page.locator(".vectors button").nth(1).click()
    assert page.texts(".product thead th")[0] == "x cat"
    assert "key=1" in page.page.evaluate("location.hash")
    assert page.page.locator(".vectors [aria-current]").count() == 1


def test_a_layer_with_another_text_for_its_keys_knows_no_x(opened):
    draw = numpy.random.default_rng(2)
    query, key = draw.standard_normal((1, 3, 4)), draw.standard_normal((1, 5, 4))
    layer = Layer(query, key, key, kind="cross", key_tokens=tuple("vwxyz"))
    page = opened(Trace(tuple("abc"), (layer,)), view="steps", stage="key", key=2)
    assert page.texts(".sentence")[-1].startswith("How they come from X is not known here")
    assert page.texts(".vectors .whose") == list("vwxyz")


@pytest.mark.parametrize(
    ("lang", "why"), [("en", "Nothing comes after dog"), ("vi", "Không có token nào đứng sau dog")]
)
def test_where_nothing_is_hidden_an_earlier_query_that_shows_it_is_named(opened, lang, why):
    page = opened(trace_text("the cat saw the dog", causal=True), view="steps", stage="masked", lang=lang)
    assert numbers.HIDDEN not in page.texts(".row .mark")
    [hint] = page.texts(".hint")
    assert hint.startswith(why)
    assert hint.endswith(": the @3")
    page.page.locator("#earlier").focus()
    page.press("Enter")
    assert page.texts(".row .mark")[-1] == numbers.HIDDEN
    assert page.texts(".hint") == []
    assert page.page.evaluate("new URLSearchParams(location.hash.slice(1)).get('query')") == "3"


@pytest.mark.parametrize(("text", "causal"), [("the cat saw the dog", False), ("cat", True)])
def test_no_earlier_query_is_named_where_there_is_none(opened, text, causal):
    page = opened(trace_text(text, causal=causal), view="steps", stage="masked")
    assert len(page.texts(".hint")) == causal
    assert page.page.locator("#earlier").count() == 0


def test_no_number_of_a_step_is_written_as_0_that_is_none(opened):
    """Layer 1 of the tiny model, where W_O is small in its first rows and a clear choice leaves tiny weights."""
    trace = trace_model("tiny", "the dogs near the tree")
    own, head = trace.layers[1], 3
    page = opened(trace, view="steps", layer=1, head=head, stage="projected", query=0)
    weight = own.projections["output"].weight
    result = (own.concat(own.steps().output) @ weight)[0]
    rows = [0, 1, 2, 3, *range(len(weight) - 4, len(weight))]
    cells = [float(text) for text in page.texts(".product tbody td:not(.sign):not(.cut td)")]
    for text, value in zip(cells, weight[rows][:, :6].ravel(), strict=True):
        assert abs(text - value) <= max(5e-5 * (abs(value) >= 5e-5), 0.05 * abs(value))
    for text, value in zip(page.texts(".product tfoot button"), result, strict=False):
        assert float(text) == pytest.approx(value, rel=5e-4)
    page.go(view="steps", layer=1, head=head, stage="weights")
    shown = [float(text) for text in page.texts(".row .mark")]
    weights = own.steps(head).weights[-1]
    assert min(weights) < 5e-5
    for text, value in zip(shown, weights, strict=True):
        assert text == pytest.approx(value, rel=0.05, abs=5e-5 if value >= 5e-5 else 0)


IN_SIGHT = """() => {
  const box = (one) => document.querySelector(one).getBoundingClientRect();
  const [list, step, table] = [box(".stages"), box(".stage[aria-current]"), document.querySelector(".product .wide")];
  return {
    line: list.height < 2 * step.height,
    step: step.left >= list.left - 1 && step.right <= list.right + 1,
    cut: table.scrollWidth - table.clientWidth,
    wide: document.documentElement.scrollWidth - innerWidth,
    story: box(".story").top,
  };
}"""


@pytest.mark.parametrize("lang", ["en", "vi"])
@pytest.mark.parametrize("stage", ["query", "projected"])
def test_a_phone_shows_the_step_and_whole_columns(opened, stage, lang):
    """Its steps are one line that scrolls to the chosen one, and of a matrix stand as many columns as fit."""
    page = opened(TOY["four heads"](), view="steps", width=390, height=844, stage=stage, lang=lang)
    seen = page.page.evaluate(IN_SIGHT)
    assert seen["line"]
    assert seen["step"]
    assert seen["cut"] <= 0
    assert seen["wide"] <= 0
    assert seen["story"] < 844 - 60  # the heading and the formula stand above the fold


@pytest.mark.parametrize("lang", ["en", "vi"])
def test_a_phone_folds_the_evidence_of_a_role_behind_its_first_sentence(opened, lang):
    """And so shows the walk: its buttons and the heading of the step."""
    trace = trace_model("tiny", "the cat that the dogs chase sees the bird")
    page = opened(trace, view="steps", width=390, height=844, layer=1, head=2, stage="query", lang=lang)
    assert page.page.evaluate(IN_SIGHT)["story"] < 844 - 30
    known, rest = page.page.locator("#evidence"), page.page.locator("#evidence p")
    assert known.locator("summary").inner_text().count(".") == 1
    assert not rest.first.is_visible()
    known.locator("summary").click()
    assert rest.first.is_visible()
    page.go(view="steps", layer=1, head=3, stage="query", language=lang)
    assert rest.first.is_visible()  # it stays unfolded
    assert "".join(known.all_text_contents()).count("%") > 2


def test_a_phone_is_no_wider_for_steps_that_are_not_known(opened, several):
    """What only a screen reader says of them stands in the line that scrolls, and not beside the page."""
    page = opened(several, view="steps", width=390, height=844)
    assert page.page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


def test_an_option_stands_in_one_line(opened):
    page = opened(TOY["four heads"](), view="steps", width=390, height=844)
    option = page.page.locator(".option")
    assert option.inner_text() == "--model"
    assert option.evaluate("one => one.getClientRects().length") == 1


def test_the_arrows_walk_at_once_and_in_this_view_alone(opened):
    """Before anything has the focus; a view that is left listens no more."""
    page = opened(TOY["four heads"](), view="steps", width=390, height=844)
    page.press("ArrowRight", "ArrowRight")
    assert page.texts(".story h2") == ["Key"]
    page.press("ArrowLeft")
    assert page.texts(".story h2") == ["Query"]
    page.go(view="overview")
    page.press("ArrowRight")
    page.go(view="steps")
    assert page.texts(".story h2") == ["Embeddings"]
    page.press("ArrowRight")
    assert page.texts(".story h2") == ["Query"]
