"""What is told of a difference: what was compared, which tokens are the same, the heads, and how to read them."""

from __future__ import annotations

from dataclasses import replace

import numpy
import pytest

from attnviz import Layer, Rule, Trace, diff, trace_text
from attnviz.analysis.difference.result import Source
from attnviz.renderers.difference.told import between, long_name, side_name, source_texts, told
from attnviz.text.lessons import lessons

WORDS = lessons()


def test_the_headline_counts_the_heads(words, equal):
    assert told(words, WORDS).headline == "Pairs of heads, the furthest apart first: 4"
    assert told(replace(words, top=3), WORDS).headline == "Pairs of heads, the furthest apart first: 3 of 4"
    assert told(equal, WORDS).headline == "No difference: all weights that were compared are equal"
    two = trace_text("a b c", 2)
    assert told(diff(two, left="0.0", right="0.1"), WORDS).headline == "Two heads compared"


def test_tokens_without_a_partner_are_named_with_their_positions(words, equal):
    assert told(words, WORDS).tokens == [
        "4 tokens are the same, of 6 on the left and 7 on the right",
        "only on the left: cat @1, the @4",
        "only on the right: today @0, dog @2, a @5",
    ]
    assert told(equal, WORDS).tokens == ["all 6 tokens are the same on both sides"]


def test_many_tokens_without_a_partner_are_counted():
    found = diff(" ".join(f"w{place}" for place in range(12)), "w0")
    assert (
        told(found, WORDS).tokens[1]
        == "only on the left: " + ", ".join(f"w{place} @{place}" for place in range(1, 9)) + " and 3 more"
    )


def test_each_head_has_its_numbers(words):
    matrix = told(words, WORDS).matrix
    assert matrix.columns == ["divergence", "query → key", "left", "right", "others left", "others right"]
    for row, cells, head in zip(matrix.rows, matrix.cells, words.heads, strict=True):
        most = head.apart.largest
        assert row == f"layer 0 · {head.left.head}"
        assert float(cells[0]) == pytest.approx(head.divergence, abs=0.0005)
        tokens = words.left.trace.tokens
        assert cells[1].split(" → ")[0].partition(" @")[0] == tokens[most.query]
        assert cells[1].split(" → ")[1].partition(" @")[0] == tokens[most.key]
        assert [float(cell) for cell in cells[2:4]] == pytest.approx([most.left, most.right], abs=0.001)
        assert all(cell.endswith("%") for cell in cells[4:])


def test_what_is_not_there_is_a_dash():
    hidden = Layer(*[numpy.ones((1, 3, 2))] * 3, rule=Rule(mask=numpy.zeros((3, 3), dtype=bool)))
    trace = Trace(("a", "b", "c"), (hidden,))
    assert told(diff(trace, trace), WORDS).matrix.cells == [["–", "–", "–", "–"]]


def test_equal_weights_have_no_place(equal):
    assert told(equal, WORDS).matrix.cells == [["0", "–", "–", "–"]] * 2


def test_small_numbers_are_not_written_as_none():
    draw = numpy.random.default_rng(0)
    vectors = draw.standard_normal((1, 4, 3))
    traces = [Trace(tuple("abcd"), (Layer(vectors * scale, vectors, vectors),)) for scale in (1, 1 + 1e-4)]
    [cells] = told(diff(*traces), WORDS).matrix.cells
    assert "e-" in cells[0]


def test_a_side_is_called_by_what_differs(words, rules, equal):
    assert [side_name(words, side, WORDS) for side in (0, 1)] == ["left", "right"]  # whose texts are long
    short = diff("the cat", "the dog")
    assert [side_name(short, side, WORDS) for side in (0, 1)] == ["“the cat”", "“the dog”"]
    assert source_texts(short, WORDS) == ["left: “the cat”", "right: “the dog”"]
    assert [side_name(rules, side, WORDS) for side in (0, 1)] == ["left", "right"]
    files = replace(rules, left=Source(rules.left.trace, "a.npz"), right=Source(rules.right.trace, "b\n.npz"))
    assert [side_name(files, side, WORDS) for side in (0, 1)] == ["a.npz", "b\\n.npz"]
    sources = [
        Source(replace(one.trace, source={"kind": "model", "model": name}))
        for one, name in ((equal.left, "M"), (equal.right, "N"))
    ]
    assert [side_name(replace(equal, left=sources[0], right=sources[1]), side, WORDS) for side in (0, 1)] == ["M", "N"]
    heads = diff(equal.left.trace, left="0.0", right="0.1")
    assert [side_name(heads, side, WORDS) for side in (0, 1)] == ["layer 0, head 0", "layer 0, head 1"]


def test_a_rule_that_one_side_lacks_is_told(rules):
    assert [text for _, text in told(rules, WORDS).sources] == [
        "“the cat sat on the mat” · causal · window 3",
        "“the cat sat on the mat”",
    ]
    assert source_texts(rules, WORDS) == ["“the cat sat on the mat”"]


def test_how_exact_a_model_is_is_told_once(equal):
    def of_model(error):
        source = {"kind": "model", "model": "M", "agreement": {"largest_error": error}}
        return replace(equal.left.trace, source=source)

    told_once = source_texts(diff(of_model(1e-7), of_model(2e-7)), WORDS)
    assert told_once[1:] == ["M, recomputed to within 2.0e-07 of its own outputs"]


def test_a_text_that_is_known_by_its_tokens_alone():
    layer = Layer(weights=numpy.full((1, 20, 20), 1 / 20))
    long = Trace(tuple(f"w{place}" for place in range(20)), (layer,))
    assert source_texts(diff(long, long), WORDS) == ["“w0 w1 w2 w3 w4 w5 w6 w7 w8 w9 w10 w11 …”"]


def test_the_names_of_heads(words):
    [one] = diff(words.left.trace, left="0.0", right="0.1").heads
    assert between(one, WORDS) == "layer 0 · 0 | layer 0 · 1"
    assert between(one, WORDS, long_name) == "layer 0, head 0 | layer 0, head 1"
    assert between(words.heads[0], WORDS, long_name) == f"layer 0, head {words.heads[0].left.head}"


def test_heads_that_only_one_side_has_are_told_by_their_layers():
    large, small = trace_text("a b c", 4), trace_text("a b c", 2)
    assert told(diff(large, small), WORDS).notes[-1] == "heads that only the left has: layer 0: 2, 3"
    assert told(diff(small, large), WORDS).notes[-1] == "heads that only the right has: layer 0: 2, 3"
    many = Trace(large.tokens, tuple(replace(large.layers[0], index=number) for number in range(12)))
    assert told(diff(many, small), WORDS).notes[-1].endswith("layer 0: 2, 3; layer 1 – layer 11: 0 to 3")
    layers = [replace(trace_text("a b c", 1 + number % 2).layers[0], index=number) for number in range(12)]
    uneven = Trace(large.tokens, tuple(layers))
    assert told(diff(uneven, small, layer="all"), WORDS).notes[-1].endswith("layer 8: 0 and 3 more")


def test_the_notes_say_what_the_numbers_are(words, equal):
    assert "(4)" in told(words, WORDS).notes[0]
    assert told(words, WORDS).notes[2].startswith("others: ")
    assert len(told(equal, WORDS).notes) == 2
    largest = diff(words.left.trace, words.right.trace, pool="max")
    assert "the largest of the queries" in told(largest, WORDS).notes[0]
