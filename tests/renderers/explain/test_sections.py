"""What explain tells: the sections in the order of computing, below the headings of their layers and heads."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum

import numpy
import pytest
from made_roles import made_role

from attnviz import AttnvizError, Layer, Rule, Trace, trace_text
from attnviz.choices import USUAL_STEPS, Step
from attnviz.renderers.explain.document import Heading, Section
from attnviz.renderers.explain.sections import explain
from attnviz.renderers.shared.matrix import Looks
from attnviz.text.lessons import Lessons, lessons
from attnviz.trace.generation import Generation
from attnviz.trace.selection import Selection, select
from attnviz.trace.steps import STEPS, HeadByHead, Owner, Rows, StepFacts
from tests.support.explained import EVERYTHING, LANGUAGES, attended, by_head, found, parsed, same, say, steps_of


@LANGUAGES
def test_sections_stand_in_the_order_of_computing(trace, told, lang):
    order = list(Step)
    for group in by_head(told(trace, lang)):
        places = [order.index(step) for one in group if (step := steps_of(one, lang))]
        assert places == sorted(set(places))


@pytest.mark.parametrize("name", ["four heads", "rope", "alibi", "cross", "sinks", "grouped heads"])
def test_concat_and_projected_follow_from_all_heads(told, traces, name):
    trace = traces[name]()
    layer, output = trace.layers[0], attended(trace).output
    after = {one.title: one for one in by_head(told(trace, head=["1"], **EVERYTHING))[-1]}
    concat = numpy.concatenate(list(output), axis=-1)
    assert same(parsed(after["Concat"].matrices[0]), concat)
    assert ("Projected" in after) == ("output" in layer.projections)
    if "Projected" in after:
        weight, result = after["Projected"].matrices
        assert same(parsed(weight), layer.projections["output"].weight)
        assert same(parsed(result), concat @ layer.projections["output"].weight)


@pytest.mark.parametrize("lang", ["en", "vi"])
def test_bare_attention_says_that_the_vectors_are_the_inputs(told, traces, lang):
    titles = [part.title for part in told(traces["plain"](), lang) if isinstance(part, Section)]
    assert not {say(f"title.{side}", lang) for side in ("query", "key", "value", "projections")} & set(titles)
    assert say("query.same", lang) in told(traces["plain"](), lang)[2].sentences
    for name in ("projected", "rope", "cross", "four heads"):
        said = [
            sentence for part in told(traces[name](), lang) if isinstance(part, Section) for sentence in part.sentences
        ]
        assert say("query.same", lang) not in said


@pytest.mark.parametrize("step", USUAL_STEPS)
@pytest.mark.parametrize("name", ["plain", "four heads", "sinusoidal", "cross"])
@pytest.mark.some(17)
def test_only_the_step_asked_for_is_shown(told, traces, name, step):
    trace = traces[name]()
    expected = [part for part in told(trace) if isinstance(part, Section) and steps_of(part, "en") is step]
    if not expected and (step not in (Step.QUERY, Step.KEY, Step.VALUE) or name == "cross"):
        with pytest.raises(AttnvizError, match=f"there is nothing to show for {step.value}"):
            told(trace, step=[step.value])
        return
    shown = [part for part in told(trace, step=[step.value]) if isinstance(part, Section)]
    if step is Step.MASKED and not trace.layers[0].rule.causal:  # its table is the one above, where that is shown
        assert all(one.matrices for one in shown)
        shown = [one._replace(matrices=[]) for one in shown]
    assert shown == expected if expected else len(shown) == 1  # Q = K = V = X: told with X, but shown when asked for


def test_several_steps_come_in_the_order_of_computing(told, traces):
    parts = told(traces["plain"](), step=["output", "scores", "output"])
    assert [part.title for part in parts if isinstance(part, Section)] == ["Scores", "Output"]


@LANGUAGES
@pytest.mark.some(16)
def test_quiet_says_no_sentence_and_shows_the_same_numbers(trace, told, lang):
    loud, quiet = told(trace, lang), told(trace, lang, quiet=True)
    assert not any(part.sentences for part in quiet if isinstance(part, Section))
    [whole, *parts] = [part if isinstance(part, Heading) else part._replace(sentences=[]) for part in loud]
    assert [whole._replace(facts=""), *parts] == quiet


@LANGUAGES
def test_where_positions_are_added_the_embeddings_are_not_said_to_be_all(told, traces, lang):
    said = {part.title: part.sentences for part in told(traces["sinusoidal"](), lang) if isinstance(part, Section)}
    embeddings, inputs = said[say("title.embeddings", lang)], said[say("title.inputs", lang)]
    assert found("embeddings.what", lang, embeddings) == []
    assert found("embeddings.placed", lang, embeddings) == [{"dimension": "3"}]
    assert say("query.same", lang) not in embeddings
    assert inputs == [say("inputs.what", lang), say("query.same", lang)]


@LANGUAGES
@pytest.mark.parametrize(("index", "message"), [(0, "embeddings.what"), (1, "embeddings.passed")])
def test_a_later_layer_reads_what_the_layers_before_made(told, traces, lang, index, message):
    trace = traces["grouped heads"]()
    layers = [replace(layer, embeddings=numpy.ones((4, 5)), index=index) for layer in trace.layers]
    [said] = [
        part.sentences
        for part in told(replace(trace, layers=tuple(layers)), lang)
        if isinstance(part, Section) and part.title == say("title.embeddings", lang)
    ]
    assert found(message, lang, said) == [{"dimension": "5"}]


@LANGUAGES
def test_headings_say_what_there_is(told, traces, lang):
    whole, layer, *heads = [part for part in told(traces["grouped heads"](), lang) if isinstance(part, Heading)]
    assert (whole.level, whole.text) == (1, "word0 word1 word2 word3")
    assert (layer.level, layer.text) == (2, say("label.layer", lang, layer=0))
    assert layer.facts == say("label.facts", lang, tokens=4, heads=4, dimension=4, scale="0.5")
    assert [one.text for one in heads] == [
        *(say("label.kv_head", lang, head=head, kv_head=head // 2) for head in range(4)),
        say("label.together", lang),
    ]


def test_the_name_of_a_layer_is_words_and_no_token(told):
    layer = Layer([[1.0]], [[1.0]], [[1.0]], name="my own\x1b")
    heading = [part for part in told(Trace(("a",), (layer,))) if isinstance(part, Heading)][1]
    assert heading.text == "Layer 0: my own\\x1b"


def test_different_numbers_of_queries_and_keys_are_both_said(told, traces):
    facts = told(traces["cross"]())[1].facts
    assert facts.startswith("queries: 3 · keys: 5")


def test_the_heading_shows_both_ends_of_a_long_text(told, traces):
    text = told(traces["forty tokens"](), max_tokens=3)[0].text
    assert text == "w0 w1 w2 … w37 w38 w39"


def test_tokens_are_shown_safely_wherever_they_stand(told):
    tokens = ("\x1b[31mred", "a b", "\u202eabc")
    array = numpy.eye(3)
    trace = Trace(tokens, (Layer(array, array, array, Rule(mask=array > 2), name="x\x1b[2Jy\nz", embeddings=array),))
    for words in ({}, {"query": "0", "key": "2"}):
        for part in told(trace, **words):
            assert all(text.isprintable() for text in texts(part)), part


def texts(part):
    if isinstance(part, Heading):
        return [part.text, part.facts]
    tables = [[matrix.corner, *matrix.rows, *matrix.columns] for matrix in part.matrices]
    return [part.title, part.formula, *part.sentences, *part.lines, *(text for table in tables for text in table)]


@pytest.mark.parametrize("words", [{"query": "w7"}, {"key": "w7"}, {"query": "w7", "key": "w7"}])
def test_a_token_that_a_later_layer_lacks_is_a_clear_error(told, words):
    long, short = numpy.ones((8, 2)), numpy.ones((3, 2))
    tokens = tuple(f"w{place}" for place in range(8))
    layers = (Layer(long, long, long), Layer(short, short, short, index=1, tokens=tokens[:3]))
    with pytest.raises(AttnvizError):
        told(Trace(tokens, layers), **words)


def test_a_token_asked_for_is_that_token_in_every_layer(told):
    array = numpy.eye(2)
    layers = (Layer(array, array, array), Layer(array, array, array, index=1, tokens=("b", "a")))
    sections = [
        part for part in told(Trace(("a", "b"), layers), step=["scores"], query="a") if isinstance(part, Section)
    ]
    assert [section.matrices[0].rows for section in sections] == [["a"], ["a"]]


def test_two_layers_are_told_one_after_the_other(told):
    array = numpy.eye(2)
    layers = tuple(Layer(array, array, array, index=index, name=f"block.{index}") for index in (3, 7))
    parts = told(Trace(("a", "b"), layers))
    assert [part.text for part in parts if isinstance(part, Heading)] == ["a b", "Layer 3: block.3", "Layer 7: block.7"]


def test_a_pair_is_one_section_for_each_head_below_its_heading(told, traces):
    parts = told(traces["four heads"](), query="Your", key="step", head=["1", "3"])
    assert [part.text for part in parts if isinstance(part, Heading)][2:] == ["Head 1", "Head 3"]
    assert [part.title for part in parts if isinstance(part, Section)] == ["`Your` looks at `step`"] * 2


@pytest.mark.parametrize(
    ("words", "title"),
    [({"query": "@1"}, say("title.top_keys", query="word1", position="1")),
     ({"key": "@1"}, say("title.top_queries", key="word1", position="1"))],
)  # fmt: skip
def test_the_top_of_each_head_stands_below_its_heading(told, make, words, title):
    parts = told(make(6, heads=2), top=2, **words)
    assert [part.title for part in parts if isinstance(part, Section)] == [title] * 2
    assert [part.text for part in parts if isinstance(part, Heading)][2:] == ["Head 0", "Head 1"]


def test_a_text_too_long_for_tables_of_pairs_is_told_by_its_top_keys(told):
    array = numpy.zeros((1100, 1))
    tokens = tuple(map(str, range(1100)))
    sections = [part for part in told(Trace(tokens, (Layer(array, array, array),))) if isinstance(part, Section)]
    assert len(sections) == 4
    assert sections[-1].title == say("title.top_keys", query="1099", position="1,099")


def test_the_heading_of_a_model_says_how_exactly_it_is_computed_and_of_several_stacks_which(told):
    array = numpy.eye(2)
    source = {"kind": "model", "model": "M", "agreement": {"errors": {"cross 3": 2e-7}, "largest_error": 2e-7}}
    trace = Trace(("a", "b"), (Layer(array, array, array, index=3, name="cross 3"),), source)
    heading = told(trace)[1]
    assert heading.text == say("label.layer", layer="cross 3")
    assert heading.facts.endswith(say("label.agreement", error="2.0e-07"))
    source["agreement"]["errors"]["cross 3"] = 0.0
    exact = told(Trace(("a", "b"), (Layer(array, array, array, index=3, name="cross 3"),), source))[1]
    assert exact.facts.endswith("recomputed with no difference from the model's own output")


def test_tokens_that_are_left_out_are_not_in_the_heading(told):
    array = numpy.eye(3)
    source = {"kind": "model", "ids": [5, 6, 7], "special": [0]}
    assert told(Trace(("<s>", "a", "b"), (Layer(array, array, array),), source), skip_special=True)[0].text == "a b"


class Planted(StrEnum):
    ROOT = "root"


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (StepFacts(Owner.LAYER, Rows.TOKENS, lambda layer: 2 * layer.embeddings), "Layer 0"),
        (StepFacts(Owner.LAYER, Rows.DIMENSIONS, lambda layer: layer.embeddings.T), "Layer 0"),
        (StepFacts(Owner.HEAD, Rows.QUERIES, lambda head: head.steps.weights**2, is_map=True), "Head 1"),
        (StepFacts(Owner.HEAD, Rows.KEYS, lambda head: -head.layer.key[head.kv_head]), "Head 1"),
        (StepFacts(Owner.HEADS, Rows.QUERIES, lambda heads: heads.concat + 1), "Heads together"),
    ],
)
def test_a_planted_step_is_shown_with_its_title_and_its_numbers(traces, monkeypatch, facts, expected):
    monkeypatch.setitem(STEPS, Planted.ROOT, facts)
    trace = traces["four heads"]()
    layer, words = trace.layers[0], Lessons({**lessons().messages, "title.root": "The root"})
    parts = list(
        explain(trace, Selection(select(trace, head=["1"]).layers, (Planted.ROOT,)), Looks(words, precision=5))
    )
    assert isinstance(parts[-2], Heading)
    assert parts[-2].text.startswith(expected)
    section = parts[-1]
    assert (section.title, section.sentences) == ("The root", [])
    heads = HeadByHead(layer, range(4), (Step.CONCAT,))
    owners = {Owner.LAYER: layer, Owner.HEAD: list(heads)[1], Owner.HEADS: heads.together}
    assert same(parsed(section.matrices[0]), facts.array(owners[facts.owner]))


def test_a_planted_step_that_a_layer_has_not_is_not_shown(traces, monkeypatch):
    for owner in Owner:
        monkeypatch.setitem(STEPS, Planted.ROOT, StepFacts(owner, Rows.QUERIES, lambda _: None, lambda _: False))
        trace = traces["four heads"]()
        selection = Selection(select(trace).layers, (Planted.ROOT, Step.CONCAT))
        titles = [part.title for part in explain(trace, selection, Looks(lessons())) if isinstance(part, Section)]
        assert titles == ["Concat"]


@LANGUAGES
def test_a_head_wears_its_role(told, traces, lang):
    trace = replace(traces["four heads"](), roles=(made_role(layer=0, head=2),))
    headings = [part.text for part in told(trace, lang) if isinstance(part, Heading) and part.level == 3]
    worn = {"en": " · syntax (proved)", "vi": " · cú pháp (đã chứng minh)"}[lang]
    assert [text for text in headings if worn in text] == [say("label.head", lang, head=2) + worn]


@LANGUAGES
def test_made_up_numbers_are_said_to_mean_nothing_and_a_trained_model_is_named(told, lang):
    [heading, *_] = told(trace_text("a b"), lang)
    assert heading.facts == say("explain.drawn", lang)
    assert "--model tiny" in heading.facts
    own = replace(trace_text("a b"), source={"kind": "toy", "own": True})
    assert told(own, lang)[0].facts == told(trace_text("a b"), lang, quiet=True)[0].facts == ""


def test_what_a_model_chose_last_is_told_above_the_tables(told):
    wrote = replace(trace_text("a b"), source={"kind": "model"}, generation=Generation(("c", "`d e`"), (0.5, 0.25)))
    [heading, *_] = told(wrote)
    assert heading.facts.startswith("``d·e`` was chosen last, with a probability of 25 %.")
    bare = replace(wrote, generation=Generation(("c",)))
    assert told(bare)[0].facts.startswith("`c` was chosen last. The model has not read it")
    assert told(wrote, quiet=True)[0].facts == ""
