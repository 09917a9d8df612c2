"""What the page shows of contributions: the numbers, the sentences and the arithmetic of explain, and colours for what has a sign."""

from __future__ import annotations

from dataclasses import replace

import numpy
import pytest
from random_traces import long_trace, projected_trace

from attnviz import Layer, Rule, Trace, api, trace_text
from attnviz.choices import OUTPUT, Step
from attnviz.renderers.explain.document import Section
from attnviz.renderers.page.limits import Limits
from attnviz.renderers.shared import numbers
from attnviz.trace.along import along
from attnviz.trace.direction import Direction
from attnviz.trace.steps import Head
from tests.support.contributions import norms, vectors, with_output

VECTOR, DIVISORS = numpy.random.default_rng(2).standard_normal(7), numpy.array([1.0, 2.0, 1.5, 4.0, 3.0])
CAUSAL = replace(projected_trace(), layers=(replace(projected_trace().layers[0], rule=Rule(causal=True)),))
SIGNED = replace(CAUSAL, layers=(replace(CAUSAL.layers[0], toward=Direction("cat", VECTOR, DIVISORS)),))
KINDS = {
    "lengths": CAUSAL,
    "token": SIGNED,
    "output": along(CAUSAL, OUTPUT),
    "the value itself": trace_text("the cat saw the dog", causal=True),
    "large W_O": replace(CAUSAL, layers=(with_output(CAUSAL.layers[0], width=1 << 14),)),
    "float32": replace(
        CAUSAL,
        layers=(with_output(Layer(*(numpy.random.default_rng(4).standard_normal((3, 4, 5, 2)).astype("float32")))),),
    ),
}


@pytest.mark.parametrize("kind", ["lengths", "token"])
@pytest.mark.some(1)
def test_each_cell_is_what_the_papers_say(opened, kind):
    [layer] = KINDS[kind].layers
    own = norms(layer)[2] if kind == "lengths" else vectors(layer).numpy()[2] @ VECTOR / DIVISORS[:, None]
    page = opened(KINDS[kind], view="matrix", head=2, step="contribution")
    states = [
        {"head": 2, "view": "matrix", "step": "contribution", "query": q, "key": k} for q, k in ((4, 0), (4, 4), (2, 1))
    ]
    for state, shown in zip(states, page.read(states, "#readout"), strict=True):
        value = numbers.number(own[state["query"], state["key"]], 4)
        tokens = (KINDS[kind].tokens[state[side]] for side in ("query", "key"))
        assert shown["#readout"] == ["{} with {}, Contribution: {}.".format(*tokens, value)]


@pytest.mark.parametrize(
    ("lang", "said"),
    [
        ("en", "Weights are shown here; contributions are shown in Matrix and Steps."),
        pytest.param(
            "vi", "Ở đây hiện trọng số; phần đóng góp được hiện ở Ma trận và Từng bước.", marks=pytest.mark.slow
        ),
    ],
)
@pytest.mark.slow
def test_a_view_of_weights_says_so_to_those_who_looked_at_contributions(opened, lang, said):
    page = opened(CAUSAL, view="matrix", head=1, step="contribution", lang=lang)
    for view, expected in (("matrix", ""), ("overview", said), ("lines", said), ("text", said), ("steps", "")):
        page.go(view=view, head=1, step="contribution")
        assert page.texts(".bars-above > p") == [expected]
    page.go(view="overview", head=1, step="weights")
    assert page.texts(".bars-above > p") == [""]


def compare(opened, told, trace, lang="en"):
    """The Steps view and the arithmetic say what explain says."""
    page = opened(trace, view="steps", stage="contribution", query=4, head=1, lang=lang)
    head = 1 if trace.layers[0].heads > 1 else 0
    words = {"query": "@4", "head": [str(head)], "lang": lang}
    [section] = [one for one in told(trace, step=["contribution"], **words) if isinstance(one, Section)]
    assert page.texts(".story h2") == [section.title]
    assert page.texts(".formula") == [section.formula]
    expected = [sentence.replace("`", "") for sentence in section.sentences]
    shown = page.texts(".sentence")
    known = "outputWeight" in page.page.evaluate(
        "Object.keys(JSON.parse(document.getElementById('record').textContent).layers[0])"
    )
    if known or trace.layers[0].toward is not None or len(expected) > 2:
        assert shown == expected
    own = Head(trace.layers[0], head).contribution[4]
    assert page.texts(".row .mark") == numbers.cells(own[None], 4)[0]
    page.go(view="matrix", head=1, step="contribution", query=4, key=1, detail="yes")
    [pair] = [one for one in told(trace, **words, key="@1", step=list(Step)) if isinstance(one, Section)]
    title, line = pair.lines[-2:]
    assert page.texts(".parts h3")[-1] == title
    if known:
        assert page.texts(".sum")[-1] == line.strip()
    page.go(view="matrix", head=1, step="weights", query=4, key=1, detail="yes")
    assert title not in page.texts(".parts h3")


@pytest.mark.parametrize("kind", ["lengths", "output"])
@pytest.mark.some(1)
def test_it_is_told_as_explain_tells_it(opened, told, kind):
    compare(opened, told, KINDS[kind])


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("lang", ["en", "vi"])
def test_every_kind_is_told_as_explain_tells_it(opened, told, kind, lang):
    compare(opened, told, KINDS[kind], lang)


@pytest.mark.slow
def test_where_w_o_is_too_large_for_the_page_its_vector_is_left_out(opened):
    page = opened(KINDS["large W_O"], view="steps", stage="contribution", query=4, head=1)
    head = Head(KINDS["large W_O"].layers[0], 1)
    most = int(head.contribution[4].argmax())
    weight, length = head.steps.weights[4, most], head.carries.factors()[most]
    sum_ = " = ".join(
        [
            f"{numbers.significant(weight, 4)} × {numbers.significant(length, 4)}",
            numbers.significant(weight * length, 4),
        ]
    )
    assert page.texts(".sentence")[1].endswith(f": {sum_}.")


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["lengths", "token", "output"])
def test_numbers_in_sixteen_bits_show_only_digits_that_are_the_traces_own(opened, kind):
    page = opened(KINDS[kind], limits=Limits(exact_part=0), view="steps", stage="contribution", query=4, head=2)
    own = Head(KINDS[kind].layers[0], 2).contribution[4]
    assert "A contribution is off by" in page.texts("footer")[0]
    words = [word.strip() for word in page.texts(".row .mark")]
    assert sum(word.startswith("≈") for word in words) <= 1  # one that is near 0
    for word, number in zip(words, own, strict=True):
        if not word.startswith("≈"):
            mantissa, _, power = word.partition("e")
            digit = 10.0 ** (int(power or 0) - len(mantissa.partition(".")[2]))
            assert abs(float(word) - number) <= digit, (word, number)


def test_what_has_a_sign_has_a_scale_with_two_arms_around_0(opened):
    page = opened(SIGNED, content=api.html(SIGNED, toward="cat"))
    assert page.texts("[role=tab][aria-selected=true]") == ["Matrix"]
    assert page.page.locator("#control-step").input_value() == "contribution"
    largest = numbers_of(SIGNED, 0)
    assert page.texts(".legend > span")[:2] == ["Contributions to the logit of “cat”", f"-{largest:.2g}"]
    assert page.texts(".legend > span")[3] == f"{largest:.2g}"
    assert page.page.get_by_role("button", name="logarithmic").is_disabled()
    assert page.page.locator("#control-threshold").is_disabled()


def numbers_of(trace, head):
    return abs(Head(trace.layers[0], head).contribution).max()


@pytest.mark.slow
def test_lengths_are_coloured_as_weights_are_and_no_threshold_hides_them(opened):
    page = opened(CAUSAL, view="matrix", step="contribution", threshold="0.9")
    assert page.texts(".legend > span")[:2] == ["Contributions ‖α v W_O‖", "0"]
    assert page.texts(".legend > span")[3] == f"{numbers_of(CAUSAL, 0):.2g}"
    assert page.page.locator("#control-threshold").is_disabled()
    page.page.get_by_role("button", name="logarithmic").click()
    page.page.wait_for_selector("#panel[aria-busy=false]")
    assert float(page.texts(".legend > span")[1].lstrip("≤ ")) > 0


@pytest.mark.slow
def test_only_where_w_o_is_known_there_is_such_a_step(opened):
    several = Trace(
        tuple("abcde"),
        (long_trace(5).layers[0], replace(with_output(long_trace(5).layers[0]), index=1)),
    )
    page = opened(several, content=api.html(several, step="contribution"))
    assert "layer=1" in page.page.evaluate(
        "location.hash || `#layer=${document.getElementById('control-layer').value}`"
    )
    options = "#control-step option"
    assert page.texts(options)[-1] == "Contribution"
    page.page.locator("#control-layer").select_option(label="Layer 0")
    page.page.wait_for_selector("#panel[aria-busy=false]")
    assert page.texts(options) == ["Scores", "Scaled", "Masked", "Weights"]
    assert page.page.locator("#control-step").input_value() == "weights"
    page.go(view="steps", layer=0, stage="contribution")
    assert "Contribution" not in " ".join(page.texts(".stages a"))
    page.go(view="steps", layer=1, stage="contribution")
    assert page.texts(".stages [aria-current]")[0].endswith("Contribution")


@pytest.mark.slow
def test_a_copied_cell_and_a_link_have_it(opened):
    page = opened(CAUSAL, view="matrix", head=1, step="contribution", query=4, key=1, before=COPY)
    page.page.locator("#copy-cell").click()
    page.until("window.copied !== undefined")
    titles, values = (line.split("\t") for line in page.page.evaluate("window.copied").split("\n"))
    assert titles[-1] == "Contribution"
    assert float(values[-1]) == pytest.approx(norms(CAUSAL.layers[0])[1, 4, 1], rel=1e-12)
    assert "step=contribution" in page.page.evaluate("location.hash")


COPY = """navigator.clipboard.writeText = async (text) => { window.copied = text; };"""


@pytest.mark.slow
def test_beside_the_weights_both_numbers_are_told(opened):
    page = opened(CAUSAL, view="matrix", head=1, step="contribution", query=4, key=1)
    page.page.locator("#control-beside").click()
    page.page.wait_for_selector("#other-map")
    page.page.wait_for_selector("#panel[aria-busy=false]")
    own = (norms(CAUSAL.layers[0])[1, 4, 1], CAUSAL.layers[0].steps(1).weights[4, 1])
    left, right = (numbers.number(value, 4) for value in own)
    assert page.texts("#readout") == [f"e with b: {left} in the first map, {right} in the second."]
    assert [one for one in page.texts(".of-map") if "‖α v W_O‖" in one]
