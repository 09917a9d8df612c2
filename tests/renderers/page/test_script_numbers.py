"""What the page shows is what the trace says: numbers, sentences and arithmetic, for every kind of rule."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy
import pytest
from random_traces import projected_trace

from attnviz import Layer, Rule, Trace, attend, trace_text
from attnviz.attention.arrays import to_numpy
from attnviz.attention.formula import Steps
from attnviz.choices import MapStep
from attnviz.renderers.explain.document import Section
from attnviz.renderers.page import bundle
from attnviz.renderers.page.digits import errors
from attnviz.renderers.page.levels import LEVELS
from attnviz.renderers.page.limits import Limits
from attnviz.renderers.page.selected import selected_vectors
from attnviz.renderers.page.short import shortened
from attnviz.renderers.shared import numbers
from attnviz.trace.selection import select
from tests.support.contributions import norms, summed_norms, with_output
from tests.support.explained import say

STEPS = ("scores", "scaled", "masked", "weights", "output")


def steps_of(trace: Trace, layer: int = 0, head: int = 0) -> Steps:
    return Steps(*map(to_numpy, trace.layers[layer].steps(head)))


@pytest.mark.slow
def test_every_rule(opened, trace, told):
    compare(opened, trace, told)


@pytest.mark.parametrize("kind", ["four heads", "alibi", "blind with sinks", "cross, causal"])
@pytest.mark.some(2)
def test_rules_that_differ_most(opened, traces, told, kind):
    compare(opened, traces[kind](), told)


def compare(opened, trace, told):
    page = opened(trace, view="steps")
    queries = trace.layers[0].query.shape[1]
    compare_steps(page, trace, {0, queries // 2, queries - 1})
    compare_sentences(page, told(trace, query=f"@{queries - 1}", head=["0"], step=STEPS), queries - 1)
    compare_arithmetic(page, trace, told)


@pytest.mark.parametrize("kind", ["causal", "alibi", "sinks", "cross, causal"])
@pytest.mark.some(2)
def test_the_sentences_in_vietnamese(opened, traces, told, kind):
    trace = traces[kind]()
    page = opened(trace, view="steps", lang="vi")
    compare_sentences(page, told(trace, lang="vi", query="@1", head=["0"], step=STEPS), 1)


@pytest.mark.parametrize("lang", ["en", "vi"])
@pytest.mark.parametrize("text", ["the cat saw the dog", "go go go go go"])
@pytest.mark.some(2)
def test_repeated_tokens_and_ties_are_told_as_explain_tells_them(opened, told, text, lang):
    trace = trace_text(text, causal=True)
    page = opened(trace, view="steps", lang=lang)
    for query in (0, 3):
        compare_sentences(page, told(trace, lang=lang, query=f"@{query}", head=["0"], step=STEPS), query)


def test_repeated_tokens_carry_their_positions_in_the_arithmetic(opened, told):
    trace = trace_text("the cat saw the dog", causal=True)
    compare_arithmetic(opened(trace, view="steps"), trace, told)


def compare_steps(page, trace, queries):
    """Each bar of the Steps view carries the number that attend() computes, as explain writes it."""
    own = steps_of(trace)
    states = [{"view": "steps", "query": query, "stage": step} for query in queries for step in STEPS]
    for state, shown in zip(states, page.read(states, ".row .mark", ".total .vector"), strict=True):
        query, step = state["query"], state["stage"]
        row = getattr(own, step)[query]
        if step == "output":
            assert shown[".total .vector"] == [numbers.vector(row, 4)]
            continue
        hidden = own.hidden[query] if step in ("masked", "weights") else numpy.zeros(len(row), bool)
        if step == "weights":
            [words] = numbers.weights(row[None], hidden[None], 4)
            expected = [word.replace(numbers.NO_WEIGHT, "0") for word in words]
        else:
            [expected] = numbers.cells(numpy.where(hidden, -numpy.inf, row)[None], 4)
        assert shown[".row .mark"] == expected, state


def compare_sentences(page, told, query):
    sections = [one for one in told if isinstance(one, Section)]
    states = [{"view": "steps", "query": query, "stage": step} for step in STEPS]
    for section, shown in zip(sections, page.read(states, ".story h2", ".formula", ".sentence"), strict=True):
        assert shown[".story h2"] == [section.title]
        assert shown[".formula"] == [section.formula]
        assert shown[".sentence"] == [sentence.replace("`", "") for sentence in section.sentences]


def compare_arithmetic(page, trace, told):
    queries, keys = trace.layers[0].query.shape[1], trace.layers[0].key.shape[1]
    for query, key in {(0, 0), (queries - 1, keys // 2), (queries // 2, keys - 1)}:
        told_of = told(trace, query=f"@{query}", key=f"@{key}", head=["0"])
        [section] = [one for one in told_of if isinstance(one, Section)]
        state = {"view": "matrix", "query": query, "key": key, "detail": "yes"}
        [shown] = page.read([state], ".detail h2", ".parts h3", ".sum", ".powers dt", ".powers dd", ".detail .quiet")
        assert shown[".detail h2"] == [section.title.replace("`", "")]
        lines = section.lines[
            section.lines.index(say("pair.score")) :
        ]  # the page holds no angles of a rotation, and says so
        assert (say("pair.turned") in shown[".detail .quiet"]) == trace.layers[0].rotary
        titles = [line for line in lines if not line.startswith(" ")]
        assert shown[".parts h3"] == titles
        sums, powers = [], []
        for line in lines:
            if line.startswith(" ") and line not in titles:
                (powers if "  e^" in line or line.strip().startswith("…") else sums).append(" ".join(line.split()))
        assert shown[".sum"] == sums
        named = zip(shown[".powers dt"], shown[".powers dd"], strict=True)
        assert [" ".join(pair).strip() for pair in named] == powers


@pytest.mark.parametrize("count", [8, 32])
@pytest.mark.some(1)
def test_equal_weights_are_rounded_as_explain_rounds_them(opened, told, count):
    vectors = numpy.random.default_rng(2).standard_normal((1, count, 4))
    layer = Layer(numpy.zeros_like(vectors), vectors, vectors, Rule())
    trace = Trace(tuple(f"w{place}" for place in range(count)), (layer,))
    page = opened(trace, view="steps")
    compare_steps(page, trace, {0})
    compare_sentences(page, told(trace, query="@0", head=["0"], step=STEPS), 0)
    compare_arithmetic(page, trace, told)


def test_numbers_halfway_between_two_become_the_even_one(opened):
    page = opened(trace_text("a b")).page
    values = [
        0.125,
        0.375,
        0.03125,
        0.09375,
        0.5,
        1.5,
        2.5,
        12.5,
        99.5,
        2**-9,
        5e-5,
        2.1e-10,
        0.15,
        2.675,
        25,
        350,
        1250,
        2.5e7,
    ]
    values += [-value for value in values]
    folder = bundle.FOLDER / "script"
    modules = "".join(
        bundle.as_function(name, (folder / f"{name}.js").read_text("utf-8")) for name in ("failure", "data", "numbers")
    )
    run = f"values => {{ {modules} return values.map(DO); }}"
    for decimals in range(5):
        shown = page.evaluate(run.replace("DO", f"(value) => module_numbers.fixed(value, {decimals})"), values)
        assert shown == [f"{value:z.{decimals}f}" for value in values]
    for digits in range(1, 7):
        shown = page.evaluate(run.replace("DO", f"(value) => module_numbers.general(value, {digits})"), values)
        assert shown == [f"{value:.{digits}g}" for value in values]
    assert page.evaluate(run.replace("DO", "module_numbers.brief"), values) == [*map(numbers.brief, values)]
    weights = [value / 100 for value in values if 0 < value <= 100] + [0.005, 5e-6, 1.04e-4, 0.00996, 0.0]
    assert page.evaluate(run.replace("DO", "module_numbers.share"), weights) == [*map(numbers.share, weights)]


def test_the_readout_of_every_cell(opened, make):
    trace = make(4, heads=4, kv_heads=2, causal=True)
    page = opened(trace, view="matrix", head=3)
    weights = steps_of(trace, head=3).weights
    states = [{"view": "matrix", "head": 3, "query": query, "key": key} for query in range(4) for key in range(4)]
    for state, shown in zip(states, page.read(states, "#readout"), strict=True):
        query, key = state["query"], state["key"]
        weight = numbers.number(weights[query, key], 4)
        gives = f"word{query} gives word{key} the weight {weight}."
        assert shown["#readout"] == [f"word{key} is hidden from word{query}." if key > query else gives]


def test_the_matrix_of_every_step(opened, make):
    made = make(3, softcap=2.0)
    trace = replace(made, layers=(with_output(made.layers[0]),))
    own = {"contribution": norms(trace.layers[0])[0], "summed": summed_norms(trace.layers[0])} | steps_of(
        trace
    )._asdict()
    page = opened(trace, content=trace.to_html(step="summed"))
    for step in MapStep:
        page.go(view="matrix", step=step.value, query=2, key=1)
        assert numbers.number(own[step.value][2, 1], 4) in page.texts("#readout")[0]


def test_layers_and_heads_that_were_selected_keep_their_numbers(opened):
    draw = numpy.random.default_rng(3)
    layers = tuple(
        Layer(*(draw.standard_normal((heads, 5, 4)) for heads in (4, 2, 2)), Rule(causal=True), index=index)
        for index in range(3)
    )
    trace = Trace(tuple("abcde"), layers)
    page = opened(trace, selected={"layer": ["2", "1"], "head": ["3", "0"]})
    assert page.texts(".layer h2") == ["Layer 2", "Layer 1"]
    assert page.texts(".caption > span:first-child") == ["Head 3", "Head 0"] * 2
    for index, head in ((2, 3), (2, 0), (1, 3), (1, 0)):
        page.go(view="matrix", layer=index, head=head, query=4, key=2)
        weight = numbers.number(steps_of(trace, index, head).weights[4, 2], 4)
        assert page.texts("#readout") == [f"e gives c the weight {weight}."]


def test_weights_alone_are_as_exact_as_the_page_says(opened):
    draw = numpy.random.default_rng(4)
    layer = Layer(*(draw.standard_normal((2, 9, 32)) for _ in range(3)), Rule(causal=True))
    trace = Trace(tuple("abcdefghi"), (layer,))
    page = opened(trace, limits=Limits(computed_part=0), view="matrix", head=1)
    assert "8 bits" in page.texts("footer")[0]
    weights = steps_of(trace, head=1).weights
    for query, key in ((0, 0), (8, 3), (5, 5)):
        page.go(view="matrix", head=1, query=query, key=key)
        shown = float(page.texts("#readout")[0].split()[-1].rstrip("."))
        assert abs(shown - weights[query, key]) <= weights[query].max() / LEVELS / 2 + 5e-5
    page.go(view="matrix", head=1, query=0, key=5, detail="yes")
    assert page.texts("#readout") == ["f is hidden from a."]
    assert page.page.locator(".detail").is_hidden()
    page.go(view="steps")
    assert "--layer" in page.texts(".note")[0]


def rounded_page(opened, share, dtype=None):
    """A page of rounded numbers, its trace, and what the page says that each step is off by."""
    draw = numpy.random.default_rng(5)
    arrays = (draw.standard_normal((2, 40, 8)).astype(dtype or "float64") * 3 for _ in range(3))
    trace = Trace(tuple(f"w{place}" for place in range(40)), (Layer(*arrays, Rule(causal=True)),))
    page = opened(trace, limits=Limits(exact_part=share), view="matrix", head=1)
    return page, trace, page.page.evaluate("JSON.parse(document.getElementById('record').textContent).layers[0].errors")


def test_single_precision_is_as_exact_as_the_page_says(opened):
    page, trace, errors = rounded_page(opened, 12_000 / 50e6)
    assert "single precision" in page.texts("footer")[0]
    assert 0 < errors["weights"] < 1e-5
    page.go(view="matrix", head=1, query=39, key=9)
    weight = numbers.number(steps_of(trace, head=1).weights[39, 9], 4)
    assert page.texts("#readout") == [f"w39 gives w9 the weight {weight}."]


def require_own(words, own, rough=0):
    """Each word is a number of ``own`` to within its last digit; or, behind ≈, about what it is. None is a 0 that is not 0.

    No more than ``rough`` words stand behind ≈."""
    assert sum(word.startswith("≈") for word in words) <= rough, words
    assert len(words) == len(own)
    for word, number in zip(map(str.strip, words), own, strict=True):
        if word.startswith("≈"):
            assert len(word.lstrip("≈-").replace(".", "").lstrip("0").partition("e")[0]) >= 2, word
            continue
        mantissa, _, power = word.replace("−", "-").partition("e")
        digit = 10.0 ** (int(power or 0) - len(mantissa.partition(".")[2]))
        assert abs(float(mantissa) * 10.0 ** int(power or 0) - number) <= digit, (word, number)
        assert float(mantissa) != 0 or abs(number) < 1e-30, (word, number)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.some(1)
def test_numbers_in_sixteen_bits_show_only_digits_that_are_the_traces_own(opened, dtype):
    page, trace, errors = rounded_page(opened, 0, dtype)
    assert "16 bits a number" in page.texts("footer")[0]
    assert "≈" in page.texts("footer")[0]
    steps = steps_of(trace, head=1)
    for step in ("scores", "scaled", "masked", "weights"):
        page.go(view="steps", head=1, query=39, stage=step)
        require_own(page.texts(".rows .mark"), getattr(steps, step)[39], rough=1)  # a score near 0
    page.go(view="steps", head=1, query=39, stage="output")
    require_own(vector_of(page, ".total .vector"), steps.output[39][:4])
    assert max(errors["scores"], errors["scaled"]) < 1e-2


def test_half_precision_is_written_as_explain_writes_it(opened):
    draw = numpy.random.default_rng(0)
    arrays = (numpy.clip(draw.standard_normal((2, 6, 4)) * 200, -6e4, 6e4).astype("float16") for _ in range(3))
    trace = Trace(tuple("abcdef"), (Layer(*arrays),))
    page = opened(trace, view="steps", stage="query")
    for name in ("query", "key", "value"):
        page.go(view="steps", head=1, stage=name)
        own = getattr(trace.layers[0], name)[1]
        assert page.texts(".vectors .vector") == [numbers.vector(row, 4, 6) for row in own]


def vector_of(page, selector):
    """The numbers of the one vector there, without the sign that there are more."""
    [text] = page.texts(selector)
    return text.strip("[…]").split()


@pytest.mark.parametrize("scaled", [False, True])
@pytest.mark.some(1)
def test_what_w_o_makes_of_rounded_outputs_shows_only_digits_that_are_the_traces_own(opened, scaled):
    """Scaled scores are so large that some digits are lost."""
    trace = projected_trace()
    if scaled:
        trace = replace(trace, layers=(replace(trace.layers[0], query=trace.layers[0].query * 300),))
    layer = trace.layers[0]
    page = opened(trace, limits=Limits(exact_part=0), view="steps", stage="projected")
    assert "16 bits a number" in page.texts("footer")[0]
    own = layer.projected(layer.concat(layer.steps().output))[-1]
    words = vector_of(page, ".vectors .vector")
    require_own(words, own[: len(words)])
    [sum_] = page.texts(".product > .sum")
    assert sum_.rpartition(" = ")[2] == page.texts("tfoot [aria-pressed=true]")[0].strip()


def far_apart(scale, count, dimension):
    draw = numpy.random.default_rng(1)
    query, key, value = (draw.standard_normal((1, count, dimension)).astype("float32") for _ in range(3))
    return Trace(tuple(f"w{place}" for place in range(count)), (Layer(query * scale, key * scale, value),))


@pytest.mark.parametrize(("scale", "count", "dimension"), [(50, 40, 64), (1000, 5, 8)])
@pytest.mark.some(1)
def test_large_scores_leave_digits_to_weights_and_outputs(opened, scale, count, dimension):
    trace = far_apart(scale, count, dimension)
    page = opened(trace, limits=Limits(exact_part=0), view="steps", query=count - 1, stage="weights")
    own = steps_of(trace)
    heaviest = int(own.weights[-1].argmax())
    assert float(page.texts(".rows .mark")[heaviest]) == pytest.approx(1)
    assert "equally" not in " ".join(page.texts(".sentence"))
    assert f"w{heaviest}" in " ".join(page.texts(".sentence"))
    page.go(view="steps", query=count - 1, stage="output")
    require_own(vector_of(page, ".total .vector"), own.output[-1][:4])
    page.go(view="matrix", query=count - 1, key=heaviest, detail="yes")
    assert f"gives w{heaviest} the weight 1" in page.texts("#readout")[0]
    assert any(line.endswith("= 1") for line in page.texts(".sum"))


def test_where_no_digit_is_the_traces_own_the_computed_number_stands_behind_a_sign(opened, monkeypatch):
    """With errors that are derived, as those of a large page are."""
    monkeypatch.setattr("attnviz.renderers.page.packing.errors", partial(errors, measured=0))
    trace = far_apart(1000, 40, 64)
    page = opened(trace, limits=Limits(exact_part=0), view="steps", query=39, stage="output")
    [selected] = select(trace).layers
    rounded = {name: shortened(array).numbers for name, array in selected_vectors(selected).items()}
    computed = attend(rounded["query"], rounded["key"], rounded["value"])
    words = vector_of(page, ".total .vector")
    assert all(word.startswith("≈") for word in words)
    assert [float(word[1:]) for word in words] == pytest.approx(computed.output[0, 39, :4], rel=0.051)
    assert all(word in page.texts(".sentence")[-1] for word in words)
    page.go(view="steps", query=39, stage="weights")
    marks = [word.strip() for word in page.texts(".rows .mark")]
    assert [float(word.strip("≈")) for word in marks] == pytest.approx(computed.weights[0, 39], rel=0.051, abs=1e-40)
    assert "equally" not in " ".join(page.texts(".sentence"))
    assert "≈1" in " ".join(page.texts(".sentence"))
    page.go(view="matrix", query=39, key=int(computed.weights[0, 39].argmax()), detail="yes")
    sums = page.texts(".sum") + page.texts(".powers dd")
    assert not [line for line in sums if "= ≈" in line]
    assert "≈1 / ≈1 ≈ 1" in sums
    page.go(lang="vi")
    assert "≈" in page.texts("footer")[0]


def test_small_numbers_keep_the_digits_that_are_their_own(opened):
    vectors = (1e-6 * numpy.random.default_rng(0).standard_normal((1, 60, 64)) for _ in range(3))
    trace = Trace(tuple(f"w{place}" for place in range(60)), (Layer(*vectors),))
    page = opened(trace, limits=Limits(exact_part=0), view="matrix", step="scores")
    own = steps_of(trace).scores
    states = [{"view": "matrix", "step": "scores", "query": 7, "key": key} for key in range(12)]
    words = [shown["#readout"][0].split()[-1].rstrip(".") for shown in page.read(states, "#readout")]
    require_own(words, own[7, :12])
    assert all(float(word) == pytest.approx(number, rel=1e-3) for word, number in zip(words, own[7], strict=False))
