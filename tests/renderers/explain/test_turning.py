"""How RoPE turns the queries and keys: before, the angles and after, each computed anew here, and one pair on paper."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy
import pytest

from attnviz import Layer, Trace, trace_text
from attnviz.renderers.explain.document import Section
from attnviz.trace.rotation import Rotation
from tests.support.explained import LANGUAGES, by_head, found, parsed, same, say

TEXT = "Your journey starts with one step"


def sections(told, trace, lang="en", head=0, **words):
    groups = [
        group
        for group in by_head(told(trace, lang, **words))
        if any(one.title == say("title.rotation", lang) for one in group)
    ]
    return {one.title: one for one in groups[head]}


@LANGUAGES
def test_before_and_after_are_the_products_with_w_and_what_the_angles_make_of_them(told, lang):
    trace = trace_text(TEXT, heads=2, position="rope", dim=8)
    layer = trace.layers[0]
    for head in range(2):
        found_here = sections(told, trace, lang, head, max_tokens=100, precision=6)
        angles = parsed(found_here[say("title.rotation", lang)].matrices[0])
        assert same(angles, numpy.arange(6)[:, None] * 10000.0 ** (-numpy.arange(0, 4, 2) / 4), 6)
        for side in ("query", "key"):
            before = parsed(found_here[say(f"title.{side}", lang)].matrices[0])
            columns = layer.projections[side].weight[:, 4 * head : 4 * head + 4]
            assert numpy.allclose(before, layer.embeddings @ columns, atol=1e-5)
            a, b = before[:, 0::2], before[:, 1::2]
            turned = numpy.stack(
                [a * numpy.cos(angles) - b * numpy.sin(angles), a * numpy.sin(angles) + b * numpy.cos(angles)], axis=-1
            )
            after = parsed(found_here[say(f"title.{side}_turned", lang)].matrices[0])
            assert numpy.allclose(after, turned.reshape(before.shape), atol=1e-5)
            assert same(after, getattr(layer, side)[head], 6)


def rotary_layer(rotation, width=6, tokens=4, heads=2):
    draw = numpy.random.default_rng(1)
    query, key = (rotation.turned(draw.standard_normal((count, tokens, width))) for count in (heads, 1))
    layer = Layer(query, key, draw.standard_normal((1, tokens, width)), rotary=True, rotation=rotation)
    return Trace(tuple(f"w{place}" for place in range(tokens)), (layer,))


ROTATIONS = {
    "neighbours": Rotation(numpy.array([1.0, 0.5, 0.25])),
    "halves": Rotation(numpy.array([1.0, 0.5, 0.25]), halves=True),
    "a part, and a gain": Rotation(numpy.array([0.8, 0.1]), halves=True, gain=1.5),
}


@pytest.mark.parametrize("kind", ROTATIONS)
def test_the_lines_are_right_and_lead_from_one_table_to_the_other(told, kind):
    trace = rotary_layer(ROTATIONS[kind])
    here = sections(told, trace, head=1, precision=9)
    [heading, *lines] = here["Rotation"].lines
    (said,) = list(
        re.finditer(r"the numbers (\d) and (\d) of its Query are turned by 3 × ([\d.]+) = ([\d.]+)$", heading)
    )
    places = int(said[1]), int(said[2])
    assert places == ROTATIONS[kind].pairs[0]
    assert float(said[3]) * 3 == pytest.approx(float(said[4]))
    before, after = parsed(here["Query"].matrices[0])[3], parsed(here["Query, turned"].matrices[0])[3]
    for line, place in zip(lines, places, strict=True):
        left, _, right = line.strip().rpartition(" = ")
        value = eval(left.replace("×", "*").replace("−", "-"))
        assert value == pytest.approx(float(right), abs=1e-6)
        assert float(right) == pytest.approx(after[place], abs=1e-8)
    assert lines[0].strip().startswith(f"{before[places[0]]:.9f}"[:8])


@pytest.mark.parametrize(
    ("kind", "messages", "columns"),
    [
        ("neighbours", ["what", "neighbours"], ["0, 1", "2, 3", "4, 5"]),
        ("halves", ["what", "halves"], ["0, 3", "1, 4", "2, 5"]),
        ("a part, and a gain", ["what", "halves", "rest", "gain"], ["0, 2", "1, 3"]),
    ],
)
def test_which_numbers_are_a_pair_and_which_are_left_alone_is_said(told, kind, messages, columns):
    section = sections(told, rotary_layer(ROTATIONS[kind]))["Rotation"]
    said = [
        message
        for message in ("what", "neighbours", "halves", "rest", "gain")
        if found(f"rotation.{message}", "en", section.sentences)
    ]
    assert said == messages
    assert section.matrices[0].columns == columns
    if "rest" in messages:
        assert found("rotation.rest", "en", section.sentences) == [{"first": "4", "last": "5"}]
        assert found("rotation.gain", "en", section.sentences) == [{"gain": "1.5"}]


def test_many_pairs_are_cut_and_keep_the_names_of_their_numbers(told):
    trace = rotary_layer(Rotation(numpy.ones(10), halves=True), width=20)
    columns = sections(told, trace, max_tokens=4)["Rotation"].matrices[0].columns
    assert columns == ["0, 10", "1, 11", "… 6 more …", "8, 18", "9, 19"]


def test_where_the_angles_are_not_known_that_is_said(told):
    trace = rotary_layer(ROTATIONS["halves"])
    unknown = Trace(trace.tokens, (replace(trace.layers[0], rotation=None),))
    by_title = {one.title: one for one in told(unknown, head=["0"]) if isinstance(one, Section)}
    assert say("query.rotated") in by_title["Query"].sentences
    assert say("rotation.unknown") in by_title["Key"].sentences
    assert "Rotation" not in by_title
    assert same(parsed(by_title["Query"].matrices[0]), trace.layers[0].query[0], 4)


def test_single_steps_show_the_numbers_that_the_scores_are_made_of(told):
    trace = rotary_layer(ROTATIONS["neighbours"])
    [section] = [one for one in told(trace, step=["query"], head=["0"]) if isinstance(one, Section)]
    assert same(parsed(section.matrices[0]), trace.layers[0].query[0], 4)
    assert found("query.rotated", "en", section.sentences)


def test_queries_at_other_positions_than_the_keys_are_shown_as_they_are(told):
    trace = rotary_layer(ROTATIONS["neighbours"])
    layer = trace.layers[0]
    some = replace(layer, query=layer.query[:, 2:], tokens=trace.tokens[2:], key_tokens=trace.tokens)
    titles = [one.title for one in told(Trace(trace.tokens, (some,)), head=["0"]) if isinstance(one, Section)]
    assert "Rotation" not in titles


def test_the_query_that_is_asked_for_is_written_out(told):
    trace = rotary_layer(ROTATIONS["neighbours"])
    section = sections(told, trace, query="w2", head=0)["Rotation"]
    assert section.lines[0].startswith("`w2` stands at position 2")


@pytest.mark.parametrize("lang", ["en", "vi"])
def test_the_scores_are_said_to_be_of_what_was_turned(told, lang):
    trace = rotary_layer(ROTATIONS["halves"])
    plain = Trace(trace.tokens, (replace(trace.layers[0], rotation=None),))
    for shown, formula in ((trace, say("scores.turned", lang)), (plain, "scores = Q Kᵀ")):
        [scores] = [
            one
            for one in told(shown, lang, head=["0"])
            if isinstance(one, Section) and one.title == say("title.scores", lang)
        ]
        assert scores.formula == formula


def pair_lines(told, trace, query, key, lang="en", **words):
    [section] = [
        one for one in told(trace, lang, query=query, key=key, head=["1"], **words) if isinstance(one, Section)
    ]
    return section


def computed(lines):
    """What each line of products says that it makes, held against what it does make, and what its numbers are."""
    results = []
    for line in lines:
        left, _, right = line.strip().rpartition(" = ")
        value = eval(left.replace("×", "*").replace("−", "-"))
        assert value == pytest.approx(float(right), abs=1e-6)
        results.append(float(right))
    return results


@LANGUAGES
@pytest.mark.parametrize("kind", ROTATIONS)
def test_a_pair_of_tokens_is_turned_on_paper_before_its_products(told, kind, lang):
    trace, rotation = rotary_layer(ROTATIONS[kind]), ROTATIONS[kind]
    layer, lines = trace.layers[0], pair_lines(told, rotary_layer(rotation), "w3", "w1", lang, precision=9).lines
    score = lines.index(say("pair.score", lang))
    starts = [lines.index(say(f"rotation.{side}", lang, position=place)) for side, place in (("query", 3), ("key", 1))]
    for start, vector, position in zip(starts, (layer.query[1, 3], layer.key[0, 1]), (3, 1), strict=True):
        here = lines[start + 1 : start + 1 + 3 * len(rotation.pairs)]
        for (first, second), frequency, heading, made in zip(
            rotation.pairs, rotation.frequencies, here[::3], zip(here[1::3], here[2::3], strict=True), strict=True
        ):
            [said] = found("rotation.pair", lang, [heading.strip()])
            assert [int(said["first"]), int(said["second"]), int(said["position"])] == [first, second, position]
            assert float(said["angle"]) == pytest.approx(position * frequency)
            assert computed(made) == pytest.approx([vector[first], vector[second]], abs=1e-8)
    rest = bool(found("rotation.rest", lang, lines[:score])), bool(found("rotation.gain", lang, lines[:score]))
    assert rest == (kind.startswith("a part"),) * 2


def test_of_many_pairs_the_first_and_the_last_are_on_paper(told):
    trace = rotary_layer(Rotation(numpy.linspace(1, 0.1, 10), halves=True), width=20)
    lines = pair_lines(told, trace, "w3", "w1").lines
    assert [line.strip() for line in lines].count("… 6 more …") == 2
    assert len(found("rotation.pair", "en", [line.strip() for line in lines])) == 8


@LANGUAGES
def test_of_a_pair_whose_angles_are_not_known_that_is_said(told, lang):
    trace = rotary_layer(ROTATIONS["halves"])
    unknown = Trace(trace.tokens, (replace(trace.layers[0], rotation=None),))
    section = pair_lines(told, unknown, "w3", "w1", lang)
    assert say("pair.turned", lang) in section.sentences
    assert not found("rotation.pair", lang, [line.strip() for line in section.lines])
    assert say("pair.turned", lang) not in pair_lines(told, trace, "w3", "w1", lang).sentences
