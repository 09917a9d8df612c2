"""What explain tells: the sections in the order of computing, each with attend()'s numbers, in sentences that agree."""

from __future__ import annotations

import math
import re

import numpy
import pytest

from attnviz import AttnvizError, Layer, Rule, Trace, attend, trace_text
from attnviz.choices import Language, Step
from attnviz.renderers.explain.document import Heading, Section
from attnviz.text.lessons import lessons

LANGUAGES = pytest.mark.parametrize("lang", ["en", "vi"])
EVERYTHING = {"max_tokens": 100, "precision": 5}


def say(name, lang="en", **values):
    return lessons(Language(lang)).say(name, **values)


def found(name, lang, sentences):
    """The values that stand in the placeholders of the message ``name``, for each of ``sentences`` that says it."""
    pattern, seen = "", set()
    for word in re.split(r"(\{\w+\})", lessons(Language(lang)).messages[name]):
        place = word[1:-1]
        pattern += re.escape(word) if word[:1] != "{" else f"(?P={place})" if place in seen else f"(?P<{place}>.+?)"
        seen.add(place)
    return [match.groupdict() for match in (re.fullmatch(pattern, one) for one in sentences) if match]


def steps_of(section, lang):
    return next(step for step in Step if say(f"title.{step.value}", lang) == section.title)


def parsed(matrix, skip_last=False):
    rows = [cells[:-1] if skip_last else cells for cells in matrix.cells]
    return numpy.array([[float(cell.replace("−∞", "-inf")) for cell in row] for row in rows])


def same(written, values, precision=5):
    """Whether ``written`` is ``values``, rounded as numbers are written."""
    seen = numpy.isfinite(values)
    scale = numpy.abs(values[seen]).max(initial=1.0)
    exponents = numpy.abs(values[seen]).max(initial=0.0) < 10.0**-precision or scale >= 1e7
    slack = scale * 10.0 ** (1 - precision) if exponents else 0.5 * 10.0**-precision
    return written.shape == values.shape and numpy.allclose(
        written, values, rtol=0, atol=slack + 2e-9 * scale, equal_nan=False
    )


def by_head(parts):
    """The sections before the heads, those of each head, those after them."""
    groups = [[]]
    for part in parts:
        if isinstance(part, Heading) and part.level == 3:
            groups.append([])
        elif isinstance(part, Section):
            groups[-1].append(part)
    return groups


def attended(trace):
    layer = trace.layers[0]
    return attend(layer.query, layer.key, layer.value, **vars(layer.rule))


@LANGUAGES
def test_sections_stand_in_the_order_of_computing(trace, told, lang):
    order = list(Step)
    for group in by_head(told(trace, lang)):
        places = [order.index(steps_of(one, lang)) for one in group]
        assert places == sorted(set(places))


@LANGUAGES
def test_every_head_has_its_five_steps(trace, told, lang):
    titles = [part.title for part in told(trace, lang) if isinstance(part, Section)]
    for step in ("scores", "scaled", "masked", "weights", "output"):
        assert titles.count(say(f"title.{step}", lang)) == trace.layers[0].heads


@LANGUAGES
def test_the_numbers_of_each_section_are_those_of_attend(trace, told, lang):
    layer, steps = trace.layers[0], attended(trace)
    groups = by_head(told(trace, lang, **EVERYTHING))
    heads = groups[1:] if layer.heads > 1 else groups
    heads = [group for group in heads if any(steps_of(one, lang) is Step.SCORES for one in group)]
    assert len(heads) == layer.heads
    for head, sections in enumerate(heads):
        kv_head = head * layer.key.shape[0] // layer.heads
        arrays = {name: getattr(steps, name)[head] for name in steps._fields}
        arrays["masked"] = numpy.where(steps.hidden[head], -math.inf, steps.masked[head])
        arrays |= {"query": layer.query[head], "key": layer.key[kv_head], "value": layer.value[kv_head]}
        arrays |= {"embeddings": layer.embeddings, "positions": layer.positions, "inputs": layer.inputs}
        for section in sections:
            step = steps_of(section, lang)
            if step is Step.PROJECTED:
                assert same(parsed(section.matrices[1]), layer.projected(layer.concat(steps.output)))
            elif step is not Step.PROJECTIONS:
                assert same(parsed(section.matrices[0], step is Step.WEIGHTS), numpy.asarray(arrays[step.value])), step


def test_the_projections_of_a_head_turn_its_inputs_into_its_vectors(told, traces):
    for name in ("projected", "four heads", "sinusoidal"):
        trace = traces[name]()
        layer = trace.layers[0]
        wanted = {"projections", "query", "key", "value"} if layer.projections else set()
        groups = by_head(told(trace, **EVERYTHING))
        for head in [group for group in groups if any(one.title == "Scores" for one in group)]:
            tables = {one.title: one.matrices for one in head}
            assert wanted == {title.lower() for title in tables} & {"projections", "query", "key", "value"}
            for matrix, side in zip(tables.get("Projections", ()), ("Query", "Key", "Value"), strict=False):
                product = layer.inputs @ parsed(matrix)
                assert numpy.allclose(product, parsed(tables[side][0]), atol=1e-4)


def test_a_bias_row_completes_the_product(told, traces):
    trace = traces["biases"]()
    section = by_head(told(trace, step=["projections"]))[2][0]
    assert say("projections.bias") in section.sentences
    for matrix, name in zip(section.matrices, ("query", "key", "value"), strict=True):
        projection = trace.layers[0].projections[name]
        assert matrix.rows[-1] == "bias"
        assert same(parsed(matrix), numpy.vstack([projection.weight, projection.bias])[:, 4:8], 4)


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


@LANGUAGES
def test_the_best_match_has_the_largest_score(trace, told, lang):
    scores = attended(trace).scores
    groups = by_head(told(trace, lang, step=["scores"], precision=17))
    for head, section in enumerate([one for group in groups for one in group]):
        (here,) = found("scores.here", lang, section.sentences)
        queries, keys = trace.query_tokens(trace.layers[0]), trace.key_tokens(trace.layers[0])
        assert float(here["score"]) == pytest.approx(scores[head].max(), rel=1e-8, abs=1e-9)
        assert (here["query"], here["key"]) in {
            (queries[row], keys[column]) for row, column in numpy.argwhere(scores[head] == scores[head].max())
        }


@LANGUAGES
def test_the_sentence_of_scaling_repeats_the_numbers_of_both_tables(trace, told, lang):
    groups = by_head(told(trace, lang, step=["scores", "scaled"], max_tokens=100))
    sections = [one for group in groups for one in group]
    for before, after in zip(sections[::2], sections[1::2], strict=True):
        (here,) = found("scaled.here", lang, after.sentences)
        rows = [row.removesuffix(" ∅") for row in before.matrices[0].rows]
        row, column = rows.index(here["query"]), before.matrices[0].columns.index(here["key"])
        assert float(here["score"]) == pytest.approx(parsed(before.matrices[0])[row, column], abs=1e-4, rel=1e-4)
        assert float(here["scaled"]) == pytest.approx(parsed(after.matrices[0])[row, column], abs=1e-4, rel=1e-4)


@LANGUAGES
def test_the_key_looked_at_most_has_the_largest_weight_of_its_row(trace, told, lang):
    sections = [one for group in by_head(told(trace, lang, step=["weights"], max_tokens=100)) for one in group]
    for head, section in enumerate(sections):
        here, weights = found("weights.here", lang, section.sentences), attended(trace).weights[head]
        assert len(here) == (1 if weights.any() else 0)
        for one in here:
            matrix = section.matrices[0]
            row = parsed(matrix, skip_last=True)[matrix.rows.index(one["query"])]
            assert row[matrix.columns.index(one["key"])] == row.max()
            assert float(one["weight"]) == pytest.approx(row.max(), abs=0.0051)


def test_a_small_weight_is_not_said_to_be_nothing(told):
    array = numpy.ones((300, 2))
    trace = Trace(tuple(f"w{place}" for place in range(300)), (Layer(array, array, array),))
    (section,) = [part for part in told(trace, step=["weights"]) if isinstance(part, Section)]
    (here,) = found("weights.tie", "en", section.sentences)
    assert float(here["weight"]) == pytest.approx(1 / 300, rel=0.05)
    assert here["keys"] == "`w0`, `w1`, `w2`, `w3`, …"


@LANGUAGES
def test_a_sum_of_one_is_claimed_only_where_rows_sum_to_one(trace, told, lang):
    for section in (one for group in by_head(told(trace, lang, step=["weights"], max_tokens=100)) for one in group):
        sums = [float(cells[-1]) for cells in section.matrices[0].cells]
        claimed = say("weights.sum", lang) in section.sentences
        assert claimed == (trace.layers[0].rule.sinks is None and any(sums))
        for one in found("weights.sink", lang, section.sentences):
            kept = sums[section.matrices[0].rows.index(one["query"])]
            assert float(one["share"]) == pytest.approx(1 - kept, abs=0.0051)
        assert all(0 <= total <= 1.0001 for total in sums)


@LANGUAGES
def test_hidden_cells_are_counted(trace, told, lang):
    for head, section in enumerate(one for group in by_head(told(trace, lang, step=["masked"])) for one in group):
        cells = attended(trace).hidden[head]
        hidden = int(cells.sum())
        counted = found("masked.why", lang, section.sentences)
        assert counted == ([{"hidden": str(hidden), "cells": str(cells.size)}] if hidden else [])
        rule = trace.layers[0].rule
        plain = not hidden and rule.bias is None and not rule.causal and rule.window is None and rule.mask is None
        assert (say("masked.nothing", lang) in section.sentences) == plain
        assert ("−∞" in section.formula) == bool(hidden)


@LANGUAGES
def test_how_far_the_bias_lowers_what_it_hides_is_told(told, traces, lang):
    """Where causal or a window hides other cells, too."""
    (section,) = [part for part in told(traces["lowered"](), lang, step=["masked"]) if isinstance(part, Section)]
    assert found("masked.lowered", lang, section.sentences) == [{"value": "-1e+09"}]


@LANGUAGES
def test_blind_queries_are_named(told, traces, lang):
    (section,) = [part for part in told(traces["mask"](), lang, step=["masked"]) if isinstance(part, Section)]
    assert found("masked.blind", lang, section.sentences) == [{"query": "word1"}]


def test_many_blind_queries_are_counted(told, traces):
    (section,) = [part for part in told(traces["all blind"](), step=["masked"]) if isinstance(part, Section)]
    assert [one["query"] for one in found("masked.blind", "en", section.sentences)] == ["word0", "word1", "word2"]
    assert section.sentences[-1] == "… 2 more …"


@pytest.mark.parametrize(
    ("name", "messages"),
    [
        ("causal", ["masked.causal"]),
        ("window", ["masked.causal", "masked.window"]),
        ("wide window", ["masked.window"]),
        ("mask", ["masked.mask"]),
        ("bias", ["masked.bias"]),
        ("plain", []),
    ],
)
def test_each_reason_to_hide_is_told_and_no_other(told, traces, name, messages):
    (section,) = [part for part in told(traces[name](), step=["masked"]) if isinstance(part, Section)]
    reasons = [f"masked.{reason}" for reason in ("bias", "causal", "window", "mask", "alibi")]
    assert sorted(reason for reason in reasons if found(reason, "en", section.sentences)) == messages


@pytest.mark.parametrize(("words", "tokens"), [({"causal": True}, 6), ({}, 6), ({}, 1)])
def test_the_slope_of_alibi_is_what_the_bias_loses_a_step(told, words, tokens):
    trace = trace_text(" ".join(["word"] * tokens), heads=4, position="alibi", **words)
    sections = [part for part in told(trace, step=["masked"]) if isinstance(part, Section)]
    for head, section in enumerate(sections):
        (alibi,) = found("masked.alibi", "en", section.sentences)
        assert float(alibi["slope"]) == pytest.approx(2.0 ** (-2 * (head + 1)), abs=1e-4)


@pytest.mark.parametrize(
    ("rule", "formula", "message"),
    [
        ({}, "scaled = scores / √d_k", "scaled.root"),
        ({"scale": 1.0}, "scaled = scores", "scaled.one"),
        ({"scale": 0.25}, "scaled = scores × 0.25", "scaled.given"),
        ({"softcap": 2.5}, "scaled = 2.5 · tanh(scores / √d_k / 2.5)", "scaled.softcap"),
        ({"scale": 1.0, "softcap": 50.0}, "scaled = 50 · tanh(scores / 50)", "scaled.one"),
    ],
)
def test_the_formula_of_scaling_is_the_rule(told, make, rule, formula, message):
    (section,) = [part for part in told(make(**rule), step=["scaled"]) if isinstance(part, Section)]
    assert section.formula == formula
    assert found(message, "en", section.sentences)


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


def test_only_rotated_queries_and_keys_are_said_to_be_rotated(told, traces):
    for name in ("rope", "four heads", "sinusoidal"):
        for section in (part for part in told(traces[name]()) if isinstance(part, Section)):
            rotated = {say("query.rotated"), say("key.rotated")} & set(section.sentences)
            assert bool(rotated) == (name == "rope" and section.title in ("Query", "Key"))


@pytest.mark.parametrize("step", list(Step))
@pytest.mark.parametrize("name", ["plain", "four heads", "sinusoidal", "cross"])
def test_only_the_step_asked_for_is_shown(told, traces, name, step):
    trace = traces[name]()
    expected = [part for part in told(trace) if isinstance(part, Section) and steps_of(part, "en") is step]
    if not expected and (step not in (Step.QUERY, Step.KEY, Step.VALUE) or name == "cross"):
        with pytest.raises(AttnvizError, match=f"there is no {step.value} here to show"):
            told(trace, step=[step.value])
        return
    shown = [part for part in told(trace, step=[step.value]) if isinstance(part, Section)]
    assert shown == expected if expected else len(shown) == 1  # Q = K = V = X: told with X, but shown when asked for


def test_several_steps_come_in_the_order_of_computing(told, traces):
    parts = told(traces["plain"](), step=["output", "scores", "output"])
    assert [part.title for part in parts if isinstance(part, Section)] == ["Scores", "Output"]


@LANGUAGES
def test_quiet_says_no_sentence_and_shows_the_same_numbers(trace, told, lang):
    loud, quiet = told(trace, lang), told(trace, lang, quiet=True)
    assert not any(part.sentences for part in quiet if isinstance(part, Section))
    assert [part if isinstance(part, Heading) else part._replace(sentences=[]) for part in loud] == quiet


def test_one_query_alone_is_spoken_of_and_shown(told, traces):
    parts = told(traces["causal"](), query="journey")
    sections = {part.title: part for part in parts if isinstance(part, Section)}
    assert all(sections[title].matrices[0].rows == ["journey"] for title in ("Scores", "Weights", "Output"))
    assert found("weights.here", "en", sections["Weights"].sentences)[0]["query"] == "journey"
    assert found("scores.here", "en", sections["Scaled"].sentences) == []
    [tie] = found("scores.tie", "en", sections["Scores"].sentences)
    assert tie["pairs"] == "`journey` with `journey`, `journey` with `starts`"


@pytest.mark.parametrize(
    ("text", "count", "score", "pairs"),
    [
        (
            "Your journey starts", "4", "1.25",
            "`journey` with `journey`, `journey` with `starts`, `starts` with `journey`, `starts` with `starts`",
        ),
        ("a b", None, None, None),
        (
            "the cat saw the dog", "4", "4.58",
            "`the` @0 with `the` @0, `the` @0 with `the` @3, `the` @3 with `the` @0, `the` @3 with `the` @3",
        ),
        (
            "go go go", "9", "0.89",
            "`go` @0 with `go` @0, `go` @0 with `go` @1, `go` @0 with `go` @2, `go` @1 with `go` @0, …",
        ),
    ],
)  # fmt: skip
def test_pairs_that_share_the_largest_score_are_all_told(told, text, count, score, pairs):
    (section,) = [part for part in told(trace_text(text), step=["scores"]) if isinstance(part, Section)]
    expected = [] if count is None else [{"count": count, "score": score, "pairs": pairs}]
    assert found("scores.tie", "en", section.sentences) == expected
    assert len(found("scores.here", "en", section.sentences)) == (not expected)


def test_scores_that_differ_by_the_rounding_of_their_arithmetic_tie(told):
    query = numpy.array([[1.0], [1.0]])
    for apart, ties in ((1e-12, 2), (1e-6, 0)):
        key = numpy.array([[-3.0], [-3.0 - apart]])
        (section,) = [
            part
            for part in told(Trace(("a", "b"), (Layer(query, key, key),)), step=["scores"], query="a")
            if isinstance(part, Section)
        ]
        assert [one["count"] for one in found("scores.tie", "en", section.sentences)] == ["2"] * (ties == 2)


def test_a_token_that_is_repeated_carries_its_position_in_every_sentence(told):
    trace = trace_text("the cat saw the dog", causal=True)
    said = {part.title: part.sentences for part in told(trace, query="@3") if isinstance(part, Section)}
    assert "`the` @0 is [-0.3 -0.7 2.0]." in said["Embeddings"]
    assert "`the` @3 with `the` @0: 4.58 becomes 2.6443." in said["Scaled"]
    assert "`the` @3 looks most, and equally, at `the` @0, `the` @3 (0.44 each)." in said["Weights"]
    assert said["Output"][-1].startswith("`the` @3 becomes ")
    once = [part.sentences for part in told(trace, query="cat", step=["weights"]) if isinstance(part, Section)]
    assert once[0][1] == "`cat` looks most at `cat` (0.72)."


@pytest.mark.parametrize(
    ("words", "hidden", "cells"),
    [({"query": "starts"}, None, 3), ({"query": "Your"}, 2, 3), ({"key": "starts"}, 2, 3), ({}, 3, 9)],
)
def test_hidden_cells_are_counted_among_those_that_are_shown(told, words, hidden, cells):
    trace = trace_text("Your journey starts", causal=True)
    (section,) = [part for part in told(trace, step=["masked"], **words) if isinstance(part, Section)]
    expected = [] if hidden is None else [{"hidden": str(hidden), "cells": str(cells)}]
    assert found("masked.why", "en", section.sentences) == expected
    assert ("−∞" in section.formula) == (hidden is not None)
    assert say("masked.causal") in section.sentences


def test_only_a_blind_query_that_is_shown_is_named(told, traces):
    for query, blind in (("word1", [{"query": "word1"}]), ("word0", [])):
        (section,) = [
            part for part in told(traces["mask"](), query=query, step=["masked"]) if isinstance(part, Section)
        ]
        assert found("masked.blind", "en", section.sentences) == blind


@LANGUAGES
def test_where_positions_are_added_the_embeddings_are_not_said_to_be_all(told, traces, lang):
    said = {part.title: part.sentences for part in told(traces["sinusoidal"](), lang) if isinstance(part, Section)}
    embeddings, inputs = said[say("title.embeddings", lang)], said[say("title.inputs", lang)]
    assert found("embeddings.what", lang, embeddings) == []
    assert found("embeddings.placed", lang, embeddings) == [{"dimension": "3"}]
    assert say("query.same", lang) not in embeddings
    assert inputs == [say("inputs.what", lang), say("query.same", lang)]


def test_queries_are_left_out_only_where_the_inputs_that_they_are_stand_above(told, traces):
    trace = traces["sinusoidal"]()
    for steps, shown in ((["embeddings", "query"], ["Embeddings", "Query"]), (["inputs", "query"], ["Inputs"])):
        assert [part.title for part in told(trace, step=steps) if isinstance(part, Section)] == shown


def test_a_blind_query_asked_for_is_not_said_to_look_anywhere(told, traces):
    sections = {part.title: part for part in told(traces["mask"](), query="word1") if isinstance(part, Section)}
    assert sections["Weights"].sentences == [say("weights.what")]
    assert sections["Output"].sentences == [say("output.what")]
    assert sections["Weights"].matrices[0].cells == [["0", "0", "0", "0"]]


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
