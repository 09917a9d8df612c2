"""What the page shows of the contributions of all heads added up: one map a layer, with the numbers and the sentences of explain."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree

import numpy
import pytest
from random_traces import projected_trace, random_trace

from attnviz import Rule, Trace, trace_text
from attnviz.choices import OUTPUT, Language, MapStep
from attnviz.renderers.explain.document import Section
from attnviz.renderers.page.limits import USUAL, Limits
from attnviz.renderers.page.page import to_html
from attnviz.renderers.shared import numbers
from attnviz.trace.along import along
from attnviz.trace.direction import Direction
from attnviz.trace.selection import select
from tests.support.contributions import norms, summed_norms, vectors, with_output

VECTOR, DIVISORS = numpy.random.default_rng(2).standard_normal(7), numpy.array([1.0, 2.0, 1.5, 4.0, 3.0])
CAUSAL = replace(projected_trace(), layers=(replace(projected_trace().layers[0], rule=Rule(causal=True)),))
SIGNED = replace(CAUSAL, layers=(replace(CAUSAL.layers[0], toward=Direction("cat", VECTOR, DIVISORS)),))
KINDS = {
    "lengths": CAUSAL,
    "token": SIGNED,
    "output": along(CAUSAL, OUTPUT),
    "the value itself": trace_text("the cat saw the dog", causal=True),
}
SUMMED = {"view": "matrix", "step": "summed"}


SVG = "{http://www.w3.org/2000/svg}"


def page_of(opened, trace, limits=USUAL, lang="en", **state):
    content = to_html(trace, select(trace), Language(lang), limits, step=MapStep.SUMMED)
    return opened(trace, content=content, **state)


@pytest.mark.parametrize("kind", ["lengths", pytest.param("token", marks=pytest.mark.slow)])
@pytest.mark.slow
def test_each_cell_is_what_the_paper_says_whichever_head_is_chosen(opened, kind):
    [layer] = KINDS[kind].layers
    signed = lambda: vectors(layer).numpy().sum(axis=0) @ VECTOR / DIVISORS[:, None]  # noqa: E731
    own = summed_norms(layer) if kind == "lengths" else signed()
    page = page_of(opened, KINDS[kind])
    states = [
        SUMMED | {"head": head, "query": q, "key": k} for head, q, k in ((2, 4, 0), (2, 4, 4), (0, 2, 1), (3, 2, 1))
    ]
    for state, shown in zip(states, page.read(states, "#readout"), strict=True):
        value = numbers.number(own[state["query"], state["key"]], 4)
        tokens = (KINDS[kind].tokens[state[side]] for side in ("query", "key"))
        assert shown["#readout"] == ["{} with {}, Contribution of all heads: {}.".format(*tokens, value)]


@pytest.mark.slow
def test_no_head_is_to_be_chosen_and_the_page_says_so(opened):
    page = page_of(opened, CAUSAL)
    assert page.texts("[role=tab][aria-selected=true]") == ["Matrix"]
    assert page.page.locator("#control-step").input_value() == "summed"
    assert page.page.locator("#control-head").is_disabled()
    assert page.texts(".each-row")[0].endswith("so there is no head to choose")
    assert page.page.locator("#map").get_attribute("aria-label").startswith("Attention map, Layer 0: ")
    assert page.texts(".legend > span")[0] == "Contributions of all heads, added up: ‖Σ α v W_O‖"
    assert page.texts(".legend > span")[3] == f"{summed_norms(CAUSAL.layers[0]).max():.2g}"
    page.page.locator("#control-step").select_option("contribution")
    page.page.wait_for_selector("#panel[aria-busy=false]")
    assert page.page.locator("#control-head").is_enabled()


@pytest.mark.slow
def test_a_page_that_was_not_asked_for_it_has_no_such_step(opened):
    page = opened(CAUSAL, **SUMMED)
    assert page.texts("#control-step option")[-1] == "Contribution"
    assert page.page.locator("#control-step").input_value() == "weights"


def compare(opened, told, trace, lang="en"):
    """Steps says what explain says, and the arithmetic has each head's part."""
    [layer] = trace.layers
    page = page_of(opened, trace, lang=lang, view="steps", stage="summed", query=4)
    [section] = [one for one in told(trace, step=["summed"], query="@4", lang=lang) if isinstance(one, Section)]
    assert page.texts(".story h2") == [section.title]
    assert page.texts(".formula") == [section.formula]
    assert page.texts(".sentence") == [sentence.replace("`", "") for sentence in section.sentences]
    assert page.texts(".stages [aria-current]")[0].endswith(section.title)
    page.go(**SUMMED, query=4, key=1, detail="yes")
    assert len(page.texts(".powers dt")) == layer.heads
    return page


def test_it_is_told_as_explain_tells_it(opened, told):
    compare(opened, told, CAUSAL)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("lang", ["en", "vi"])
def test_every_kind_is_told_as_explain_tells_it(opened, told, kind, lang):
    compare(opened, told, KINDS[kind], lang)


@pytest.mark.slow
def test_the_arithmetic_of_a_cell_tells_each_heads_part_and_that_the_sum_is_no_longer(opened):
    [layer] = CAUSAL.layers
    page = page_of(opened, CAUSAL, **SUMMED, query=4, key=1, detail="yes")
    own, together = norms(layer)[:, 4, 1], summed_norms(layer)[4, 1]
    assert page.texts(".powers dd") == [numbers.significant(one, 4) for one in own]
    both = [numbers.significant(one, 4) for one in (together, own.sum())]
    assert page.texts(".sum") == ["‖Σ α v W_O‖ = {} ≤ {} = Σ ‖α v W_O‖".format(*both)]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["lengths", "token", "output"])
def test_numbers_in_sixteen_bits_show_only_digits_that_are_the_traces_own(opened, kind):
    [layer] = KINDS[kind].layers
    page = page_of(opened, KINDS[kind], Limits(exact_part=0), view="steps", stage="summed", query=4)
    from attnviz.trace.summed import summed_contributions

    own = summed_contributions(layer)[4]
    assert "The contribution of all heads is off by" in page.texts("footer")[0]
    for word, number in zip((one.strip() for one in page.texts(".row .mark")), own, strict=True):
        if not word.startswith("≈"):
            mantissa, _, power = word.partition("e")
            assert abs(float(word) - number) <= 10.0 ** (int(power or 0) - len(mantissa.partition(".")[2])), (
                word,
                number,
            )


@pytest.mark.slow
def test_a_copied_cell_and_a_link_have_it(opened):
    before = "navigator.clipboard.writeText = async (text) => { window.copied = text; };"
    page = page_of(opened, CAUSAL, **SUMMED, head=1, query=4, key=1, before=before)
    page.page.locator("#copy-cell").click()
    page.until("window.copied !== undefined")
    titles, values = (line.split("\t") for line in page.page.evaluate("window.copied").split("\n"))
    assert titles[-1] == "Contribution of all heads"
    assert float(values[-1]) == pytest.approx(summed_norms(CAUSAL.layers[0])[4, 1], rel=1e-12)


@pytest.mark.slow
def test_a_key_is_hidden_where_no_head_may_look_at_it(opened):
    mask = numpy.ones((4, 5, 5), bool)
    mask[:, 4, 0] = False  # of all heads
    mask[1:, 4, 1] = False  # of all but one
    [layer] = projected_trace().layers
    trace = Trace(tuple("abcde"), (replace(layer, rule=Rule(mask=mask)),))
    page = page_of(opened, trace, **SUMMED, head=3, query=4, key=0)
    assert page.texts("#readout") == ["a is hidden from e."]
    page.go(**SUMMED, head=3, query=4, key=1)
    assert numbers.number(summed_norms(trace.layers[0])[4, 1], 4) in page.texts("#readout")[0]
    page.go(view="steps", stage="summed", head=3, query=4)
    marks = [one.strip() for one in page.texts(".row .mark")]
    assert marks[0] == "0"
    assert marks[1] == numbers.number(summed_norms(trace.layers[0])[4, 1], 4)


@pytest.mark.slow
def test_beside_the_contributions_of_a_head_both_numbers_are_told(opened):
    page = page_of(opened, CAUSAL, **SUMMED, head=1, query=4, key=1)
    page.page.locator("#control-beside").click()
    page.page.wait_for_selector("#other-map")
    page.page.wait_for_selector("#panel[aria-busy=false]")
    own = summed_norms(CAUSAL.layers[0])[4, 1], norms(CAUSAL.layers[0])[1, 4, 1]
    left, right = (numbers.number(value, 4) for value in own)
    assert page.texts("#readout") == [f"e with b: {left} in the first map, {right} in the second."]
    assert page.texts(".of-map")[0] == "Layer 0: Contributions of all heads, added up: ‖Σ α v W_O‖"


@pytest.mark.slow
def test_every_browser_has_the_same_numbers(window, tmp_path):
    file = tmp_path / "page.html"
    file.write_text(to_html(CAUSAL, select(CAUSAL), step=MapStep.SUMMED), "utf-8")
    window.resize(1280, 900)
    window.open(file, **SUMMED, query=4, key=1, detail="yes")
    value = numbers.number(summed_norms(CAUSAL.layers[0])[4, 1], 4)
    assert window.texts("#readout") == [f"e with b, Contribution of all heads: {value}."]
    assert len(window.texts(".powers dd")) == 4
    assert window.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert window.problems() == []


@pytest.mark.slow
def test_of_many_keys_those_stay_that_bring_most_through_all_heads(opened):
    [made] = random_trace(1, 2, 203, 4).layers
    trace = Trace(tuple(map(str, range(203))), (with_output(made),))
    page = page_of(opened, trace, view="steps", stage="summed", head=0, query=7)
    own = summed_norms(trace.layers[0])[7]
    least = set(own.argsort()[:3])
    assert page.texts(".rest") == ["3 more Keys bring less."]
    marks = [float(one) for one in page.texts(".row .mark")]
    assert marks == pytest.approx([one for key, one in enumerate(own) if key not in least], abs=6e-5)
    assert least != set(trace.layers[0].steps(0).weights[7].argsort()[:3])


@pytest.mark.parametrize(("size", "form"), [(1.0, "z.2f"), (1e-4, ".2g")])
@pytest.mark.some(1)
def test_a_cell_says_as_many_digits_as_tell_something(opened, size, form):
    """Two decimals, as in a picture; of a map whose largest number they would make 0.00 or 0.01, two digits."""
    trace = KINDS["the value itself"]
    layer = trace.layers[0]
    trace = replace(trace, layers=(with_output(replace(layer, value=size * layer.value)),))
    page = page_of(opened, trace, **SUMMED)
    with page.page.expect_download() as download:
        page.page.locator("#save-svg").click()
    texts = [text.text for text in ElementTree.parse(download.value.path()).iter(SVG + "text")]
    brought = summed_norms(trace.layers[0])
    for query, row in enumerate(brought):
        for value in row[: query + 1]:
            assert f"{float(value):{form}}" in texts
