"""The text as it is read token by token: at position t the rows 0 … t are there, and no more."""

from __future__ import annotations

from xml.etree import ElementTree

import numpy
import pytest

from attnviz import Layer, Rule, Trace, generate, trace_text
from attnviz.renderers.shared import numbers
from attnviz.renderers.shared.numbers import brief_percent
from attnviz.text.lessons import lessons
from attnviz.trace.generation import Generation

pytestmark = pytest.mark.slow  # CI goes through it; the quick tests of the page are those of its numbers and its safety

SVG = "{http://www.w3.org/2000/svg}"
SENTENCE = "Your journey starts with one step"
WORDS = SENTENCE.split()


@pytest.fixture(scope="module")
def written():
    return generate("tiny", "the queen met the actor . she", 5)


def rows_saved(page, tokens):
    """The labels of rows and columns, and the numbers, that the picture of the map has."""
    with page.page.expect_download() as download:
        page.page.locator("#save-svg").click()
    texts = list(ElementTree.parse(download.value.path()).iter(f"{SVG}text"))
    labels = [text.text for text in texts if text.text in tokens]
    values = [text.text for text in texts if text.get("text-anchor") == "middle"]
    return labels, values


@pytest.mark.parametrize("position", [0, 3])
def test_the_map_holds_exactly_the_rows_up_to_the_position(opened, position):
    trace = trace_text(SENTENCE, causal=True)
    page = opened(trace, view="matrix", upto=position)
    labels, values = rows_saved(page, WORDS)
    assert labels == [*WORDS[: position + 1], *WORDS[: position + 1]]
    weights = trace.layers[0].steps(0).weights
    assert values == [f"{weights[row, key]:.2f}" for row in range(position + 1) for key in range(row + 1)]


def test_text_lines_and_steps_hold_the_same_tokens(opened):
    page = opened(trace_text(SENTENCE, causal=True), view="text", upto=2)
    assert page.texts("#panel .word") == WORDS[:3]
    page.go(view="lines", upto=2)
    assert page.texts("#panel .word") == WORDS[:3] * 2
    page.go(view="steps", upto=2, stage="weights")
    assert page.texts(".queries .word") == WORDS[:3]
    assert page.texts(".rows .token") == WORDS[:3]


# The colours at the left of each of six rows of the map, of which one cell is a sixth of what lies below its labels; null
# where nothing is painted.
ROWS = """(canvas, height) => {
  const pen = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d", { willReadFrequently: true });
  pen.drawImage(canvas, 0, 0);
  const ratio = canvas.width / canvas.clientWidth;
  const cell = 96, top = height - 6 * cell;
  return [0, 1, 2, 3, 4, 5].map((row) => {
    const left = document.querySelector(".spacer").offsetWidth - 6 * cell;
    const { data } = pen.getImageData((left + 12) * ratio, (top + (row + 0.2) * cell) * ratio, 1, 1);
    return data[3] ? data.join() : null;
  });
}"""


def test_old_rows_stay_as_they_were_while_the_rest_is_not_yet(opened):
    """The largest weight of all is in the last row, and the colours of the first do not change when it comes."""
    draw = numpy.random.default_rng(3)
    query, key = draw.standard_normal((1, 6, 4)), draw.standard_normal((1, 6, 4))
    query[0, 5], key[0, 0] = 9, 9
    trace = Trace(tuple(WORDS), (Layer(query, key, key, Rule(causal=True)),))
    page = opened(trace, view="matrix", step="scores", upto=2, height=1100)
    base = page.page.locator(".pinned canvas").first
    room = page.page.locator(".spacer").bounding_box()
    before = base.evaluate(ROWS, room["height"])
    page.go(view="matrix", step="scores", upto=4, query=2)
    assert page.page.locator(".spacer").bounding_box() == room
    after = base.evaluate(ROWS, room["height"])
    assert all(before[:3])
    assert before[3:] == [None] * 3
    assert after[:3] == before[:3]
    assert all(after[3:5])
    assert after[5] is None


def test_old_lines_stay_as_they_were_when_more_come(opened):
    """Without the first token, whose weight is 1 in its own row: the largest weight comes late, in the row 4."""
    draw = numpy.random.default_rng(8)
    query, key = draw.standard_normal((1, 6, 4)), draw.standard_normal((1, 6, 4))
    query[0, 4], key[0, 3] = 9, 9
    trace = Trace(tuple(WORDS), (Layer(query, key, key, Rule(causal=True)),))
    page = opened(trace, view="lines", query="none", first="no", upto=2)
    weights = trace.layers[0].steps(0).weights
    for upto in (2, 5):
        page.go(view="lines", query="none", first="no", upto=upto)
        with page.page.expect_download() as download:
            page.page.locator("#save-svg").click()
        drawn = [float(path.get("opacity")) for path in ElementTree.parse(download.value.path()).iter(f"{SVG}path")]
        shares = weights[: upto + 1, 1:] / weights[:, 1:].max()
        assert sorted(drawn) == pytest.approx(sorted(share for share in shares.ravel() if share >= 0.015), abs=0.0061)


def test_the_slider_and_its_buttons_with_keys_and_pointer(opened):
    page = opened(trace_text(SENTENCE, causal=True), view="text")
    slider = page.page.locator("#upto")
    assert slider.get_attribute("aria-valuetext") == "token 6 of 6: step"
    slider.focus()
    page.press("ArrowLeft", "ArrowLeft")
    assert page.texts("#panel .word") == WORDS[:4]
    assert page.page.locator("#panel [aria-selected=true]").text_content() == "with"
    assert page.texts("#unfolded") == [
        "Row 4 is new: with looks at itself and at what stands before it. The 3 rows above stay as they were: no Query looks "
        "ahead, so nothing that comes later can change them."
    ]
    page.page.get_by_role("button", name="One token on").click()
    assert "upto=4" in page.page.evaluate("location.hash")
    page.press("Enter")  # the button has the focus
    assert "upto" not in page.page.evaluate("location.hash")
    page.page.get_by_role("button", name="One token back").focus()
    page.press(*["Enter"] * 7)
    assert page.texts("#unfolded") == ["The first row: Your can look only at itself."]
    assert page.texts("#panel .word") == ["Your"]


@pytest.mark.slow
def test_it_plays_to_the_end(opened):
    page = opened(trace_text(SENTENCE, causal=True), before="")
    page.page.clock.install()
    page.page.locator("#tab-text").click()
    page.page.get_by_role("region", name="Read up to").get_by_role("button", name="Play").click()
    seen = []
    for _ in range(6):
        seen.append(len(page.texts("#panel .word")))
        page.page.clock.run_for(1450)
    assert seen == [1, 2, 3, 4, 5, 6]
    assert page.page.get_by_role("region", name="Read up to").get_by_role("button", name="Play").is_visible()


@pytest.mark.parametrize("trace", [trace_text(SENTENCE), trace_text("one", causal=True)], ids=["whole", "one token"])
def test_where_a_text_is_not_read_token_by_token_there_is_no_slider(opened, trace):
    page = opened(trace, view="text", upto=1)
    assert page.page.locator(".unfold").is_hidden()
    assert page.texts("#panel .word") == list(trace.tokens)


def test_what_may_come_next_stands_beside_it_and_what_was_chosen_moves_in(opened, written):
    page = opened(written, view="text", layer=1, head=2, upto=6)
    shown = [f"{token} {brief_percent(share)}" for token, share in written.predictions[6][:5]]
    assert [line.removesuffix(" chosen") for line in page.texts(".likely li")] == shown
    chosen = page.page.locator(".likely .came")
    assert chosen.text_content() == f"{shown[0]} chosen"
    assert page.texts(".so-far .chip") == list(written.tokens[:7])
    page.page.get_by_role("button", name="One token on").click()
    assert page.page.evaluate("document.getAnimations().some((one) => one.effect.target.matches('.newest'))")
    assert page.texts(".so-far .newest") == [written.generation.chosen[0]]
    assert page.texts(".so-far .wrote") == [written.generation.chosen[0]]
    page.go(view="text", layer=1, head=2)
    assert page.page.locator(".likely .came .chip").text_content() == written.generation.chosen[-1]


def test_what_a_model_wrote_opens_where_it_can_be_read_token_by_token(opened, written):
    page = opened(written)
    role = min((one.layer, one.head) for one in written.roles)
    assert page.page.evaluate("location.hash") == ""
    assert page.page.locator("#control-layer option:checked").inner_text() == f"Layer {role[0]}"
    assert page.page.locator("#control-head").input_value().endswith(str(role[1]))
    assert page.page.locator("#upto").is_visible()


def test_what_a_decoder_wrote_opens_with_the_decoder(opened):
    vectors = numpy.random.default_rng(4).standard_normal((2, 3, 4))
    encoder = Layer(vectors, vectors, vectors, name="encoder 0")
    decoder = Layer(vectors, vectors, vectors, Rule(causal=True), name="decoder 0", tokens=tuple("xyz"))
    page = opened(Trace(tuple("abc"), (encoder, decoder), generation=Generation(("z", "!"), (0.5, 0.25))))
    assert page.page.locator("#control-layer option:checked").inner_text() == "Decoder 0"
    assert page.texts(".so-far .chip") == list("xyz")
    assert page.page.locator(".likely .came .chip").text_content() == "!"


def test_less_motion_moves_nothing_in(opened, written):
    page = opened(written, view="text", upto=6, motion="reduce")
    page.page.get_by_role("button", name="One token on").click()
    assert page.texts(".so-far .newest") == [written.generation.chosen[0]]
    assert page.page.evaluate("document.getAnimations().length") == 0


def test_special_tokens_that_are_not_shown_are_no_positions(opened, several):
    page = opened(several, view="text", layer=0, head=0, special="no")
    page.page.locator("#upto").focus()
    page.press("Home")
    assert page.texts("#panel .word") == ["the"]
    assert "upto=1" in page.page.evaluate("location.hash")
    page.press("ArrowRight")
    assert page.texts("#panel .word") == ["the", "cat"]


def test_inside_the_prompt_what_comes_is_in_the_text(opened, written):
    page = opened(written, view="text", upto=0)
    assert page.page.locator(".likely .came").text_content().endswith("in the text")
    assert page.page.locator(".likely .came .chip").text_content() == "queen"


def test_numbers_of_a_row_are_the_same_at_every_position(opened):
    """They are attend()'s of the whole text."""
    trace = trace_text(SENTENCE, causal=True)
    weights = trace.layers[0].steps(0).weights
    page = opened(trace, view="steps")
    states = [{"view": "steps", "stage": "weights", "upto": upto, "query": 1} for upto in (1, 3, 5)]
    [words] = numbers.cells(weights[1][None], 4)
    for state, shown in zip(states, page.read(states, ".row .mark"), strict=True):
        expected = [*words[:2], *["0"] * (state["upto"] - 1)]
        assert shown[".row .mark"] == expected


@pytest.mark.parametrize("width", [1280, 390])
def test_what_is_below_the_slider_stays_where_it_is(opened, width):
    page = opened(generate("tiny", "the dogs near the tree", tokens=5), width=width, view="matrix")
    tops = []
    for _ in range(9):
        tops.append(page.page.locator("#panel").bounding_box()["y"])
        page.page.locator(".unfold .buttons button").first.click()
        page.page.wait_for_selector("#panel[aria-busy=false]")
    assert page.texts(".unfold .value") == ["token 1 of 9"]
    assert tops == sorted(tops)  # a narrow bar may need one more line for longer words, and keeps it
    assert tops[1] == tops[0]
    assert width == 390 or tops == tops[:1] * 9


def test_at_the_end_too_it_is_said_that_old_rows_stay(opened):
    page = opened(trace_text("Your journey starts", causal=True), view="matrix")
    assert page.texts("#unfolded") == [lessons().say("unfold.row", token="starts", number=3, before=2).replace("`", "")]
    assert page.page.locator("#unfolded").is_visible()
    assert page.texts(".so-far .token") == ["Your", "journey", "starts"]
