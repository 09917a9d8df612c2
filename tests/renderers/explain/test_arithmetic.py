"""One query and one key on paper: what is written must be true, number by number."""

from __future__ import annotations

import math
import re

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from attnviz import Layer, Rule, Trace, attend, trace_text
from attnviz.choices import Language
from attnviz.renderers.explain.sections import explain
from attnviz.renderers.shared.matrix import Looks
from attnviz.text.lessons import lessons
from attnviz.trace.selection import LayerSelection, Selection

NUMBER = r"-?\d+(?:\.\d+)?(?:e[+-]\d+)?"
COMPONENTS = st.floats(-4, 4, allow_subnormal=False) | st.integers(-3, 3).map(float)


SMALL = numpy.array([[0.4, 0.1, 0.8], [0.5, 0.8, 0.6], [-0.5, 0.2, 0.6]])


@st.composite
def pairs(draw):
    """Q, K and V of one head, and the query and the key to look at."""
    queries, keys, dimension = draw(st.integers(1, 4)), draw(st.integers(1, 5)), draw(st.integers(1, 5))
    shapes = (queries, dimension), (keys, dimension), (keys, draw(st.integers(1, 4)))
    arrays = [
        numpy.array(draw(st.lists(COMPONENTS, min_size=rows * columns, max_size=rows * columns))).reshape(rows, columns)
        for rows, columns in shapes
    ]
    return *arrays, draw(st.integers(0, queries - 1)), draw(st.integers(0, keys - 1))


class Paper:
    """The lines of a pair, by what they are said to be."""

    def __init__(self, query, key, value, row, column, *, lang="en", tokens=None, precision=4, max_tokens=16, **rule):
        key_tokens = tokens or tuple(f"k{place}" for place in range(len(key)))
        layer = Layer(query, key, value, Rule(**rule), key_tokens=key_tokens)
        trace = Trace(tuple(f"q{place}" for place in range(len(query))), (layer,))
        self.say = lessons(Language(lang)).say
        looks = Looks(lessons(Language(lang)), precision, max_tokens)
        self.section = list(explain(trace, Selection((LayerSelection(layer, (0,), row, column),)), looks))[-1]
        self.lines = list(self.section.lines)
        self.steps = attend(layer.query, layer.key, layer.value, **vars(layer.rule))
        self.weights, self.row, self.column = self.steps.weights[0, row], row, column

    def under(self, message, **values):
        """The indented lines below the message."""
        heading = self.say(f"pair.{message}", **values)
        at = self.lines.index(heading) + 1
        end = next((place for place in range(at, len(self.lines)) if self.lines[place][0] != " "), len(self.lines))
        return self.lines[at:end]

    def exponentials(self):
        """(name, exponent as text, value as text) of each key, and the line of their sum."""
        (heading,) = (line for line in self.lines if re.match(r"softmax, (first half|bước 1)", line))
        at = self.lines.index(heading) + 1
        found = [re.match(rf"  (.+?) +e\^(−∞|{NUMBER}) = ({NUMBER})$", line) for line in self.lines[at:]]
        entries = [match.groups() for match in found if match]
        return entries, self.lines[at + len(entries)]


def half(text):
    """Half a unit of the last decimal of a written number: what rounding may have cost it."""
    mantissa, _, exponent = text.partition("e")
    return 0.5 * 10.0 ** (int(exponent or 0) - len(mantissa.partition(".")[2])) * 1.001 + 1e-8


def close(written, value, slack):
    return abs(float(written) - value) <= slack + half(written)


def sides(line):
    left, _, right = line.strip().rpartition(" = ")
    return left, right


@given(pairs())
@settings(deadline=None)
def test_the_products_add_up_to_the_score(pair):
    paper = Paper(*pair)
    (line,) = paper.under("score")
    left, score = sides(line)
    factors = re.findall(rf"\(?({NUMBER})\)?×\(?({NUMBER})\)?", left)
    assert len(factors) == pair[0].shape[1] == left.count("×")
    total = sum(float(a) * float(b) for a, b in factors)
    slack = sum(abs(float(a)) * half(b) + abs(float(b)) * half(a) + half(a) * half(b) for a, b in factors)
    assert close(score, total, slack)
    assert close(score, paper.steps.scores[0, paper.row, paper.column], 0)
    assert not re.search(r"[×+] -|×-", left), "a negative factor stands in brackets"


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_numbers_are_written_as_short_as_they_were_given(dtype):
    array = SMALL.astype(dtype)
    assert sides(Paper(array, array, array, 0, 1).under("score")[0])[0] == "0.4×0.5 + 0.1×0.8 + 0.8×0.6"


@given(pairs())
@settings(deadline=None)
def test_the_root_turns_the_score_into_the_scaled_score(pair):
    paper = Paper(*pair)
    dimension = pair[0].shape[1]
    (line,) = paper.under("root", dimension=dimension)
    match = re.fullmatch(rf"\(?({NUMBER})\)? / √{dimension} = \(?({NUMBER})\)? / ({NUMBER}) = ({NUMBER})", line.strip())
    score, again, root, scaled = match.groups()
    assert score == again
    assert close(root, math.sqrt(dimension), 0)
    assert close(scaled, float(score) / float(root), half(score) + abs(float(score)) * half(root))
    assert close(scaled, paper.steps.scaled[0, paper.row, paper.column], 0)


@given(pairs(), st.sampled_from(["en", "vi"]))
@settings(deadline=None)
def test_the_exponentials_are_those_of_the_masked_row_and_sum_up(pair, lang):
    paper = Paper(*pair, lang=lang)
    entries, line = paper.exponentials()
    assert [name for name, _, _ in entries] == [f"k{place}" for place in range(len(pair[1]))]
    for _, power, value in entries:
        assert close(value, math.exp(float(power)), float(value) * 1.1 * half(power) + half(power) ** 2)
    left, total = sides(line)
    assert left.split(" + ") == [value for _, _, value in entries]
    assert close(total, sum(float(value) for _, _, value in entries), sum(half(value) for _, _, value in entries))


@given(pairs())
@settings(deadline=None)
def test_the_weight_is_this_keys_part_of_the_sum(pair):
    paper = Paper(*pair)
    entries, sum_line = paper.exponentials()
    (line,) = paper.under("weight")
    left, weight = sides(line)
    exponential, total = left.split(" / ")
    assert (exponential, total) == (entries[paper.column][2], sides(sum_line)[1])
    assert close(weight, paper.weights[paper.column], 0)
    slack = (half(exponential) + float(weight) * half(total)) / (float(total) - half(total))
    assert close(weight, float(exponential) / float(total), slack)


@given(pairs())
@settings(deadline=None)
def test_the_output_is_every_value_times_its_weight(pair):
    paper = Paper(*pair)
    terms, result = paper.under("output")
    found = re.findall(rf"({NUMBER})×\[([^\]]+)\]", terms)
    assert len(found) == len(pair[1])
    total, slack = 0.0, 0.0
    for weight, vector in found:
        numbers = numpy.array(vector.split(), float)
        halves = numpy.array([half(word) for word in vector.split()])
        total = total + float(weight) * numbers
        slack = slack + numpy.abs(numbers) * half(weight) + float(weight) * halves + halves * half(weight)
    words = re.fullmatch(r"  = \[(.+)\]", result)[1].split()
    assert all(close(word, value, bound) for word, value, bound in zip(words, total, slack, strict=True))
    output = paper.steps.output[0, paper.row]
    assert all(close(word, value, 0) for word, value in zip(words, output, strict=True))


@pytest.mark.parametrize("lang", ["en", "vi"])
def test_a_hidden_pair_has_no_weight(lang):
    paper = Paper(SMALL, SMALL, SMALL, 0, 1, lang=lang, causal=True)
    assert paper.under("hidden") == []
    entries, line = paper.exponentials()
    assert [(power, value) for _, power, value in entries[1:]] == [("−∞", "0"), ("−∞", "0")]
    assert sides(line)[0].split(" + ")[1:] == ["0", "0"]
    assert paper.under("weight")[0].startswith("  0 / ")
    assert paper.under("weight")[0].endswith(" = 0")


@pytest.mark.parametrize(
    ("rule", "title"),
    [
        ({"causal": True}, "`q0` may not look at `k1`"),
        ({"bias": numpy.array([[0.0, -math.inf, 0.0]] * 3)}, "`q0` may not look at `k1`"),
        ({"mask": numpy.array([[False] * 3] * 3)}, "`q0` may not look at `k1`"),
        ({}, "`q0` looks at `k1`"),
    ],
)
def test_the_title_of_a_hidden_pair_does_not_say_that_one_looks_at_the_other(rule, title):
    assert Paper(SMALL, SMALL, SMALL, 0, 1, **rule).section.title == title


def test_tokens_that_are_repeated_carry_their_positions():
    paper = Paper(SMALL, SMALL, SMALL, 0, 2, tokens=("go", "on", "go"))
    assert paper.section.title == "`q0` looks at `go` @2"
    assert paper.section.sentences[0] == "Query `q0` stands at position 0, Key `go` at position 2."
    assert [entry.split() for entry, _, _ in paper.exponentials()[0]] == [["go", "@0"], ["on"], ["go", "@2"]]


def test_a_visible_pair_is_said_to_stay():
    assert Paper(SMALL, SMALL, SMALL, 1, 0, causal=True).under("visible") == []


@pytest.mark.parametrize("rule", [{}, {"sinks": numpy.array([0.5])}])
def test_a_blind_query_ends_before_softmax(rule):
    mask = numpy.array([[True] * 3, [False] * 3, [True] * 3])
    paper = Paper(SMALL, SMALL, SMALL, 1, 0, mask=mask, **rule)
    assert paper.lines[-2:] == [paper.say("pair.hidden"), paper.say("pair.blind")]
    assert not any("e^" in line for line in paper.lines)


@pytest.mark.parametrize("size", [6.0, 40.0])
def test_large_scores_are_shifted_by_their_largest(size):
    paper = Paper(SMALL * size, SMALL * size, SMALL, 1, 2)
    masked = paper.steps.masked[0, 1]
    largest = masked.max()
    heading = next(line for line in paper.lines if "first half" in line)
    assert float(re.search(rf"e\^\(x − ({NUMBER})\)", heading)[1]) == pytest.approx(largest, abs=1e-4)
    entries, _ = paper.exponentials()
    assert max(float(power) for _, power, _ in entries) == 0
    assert [float(power) for _, power, _ in entries] == pytest.approx((masked - largest).tolist(), abs=1e-4)
    left, weight = sides(paper.under("weight")[0])
    exponential, total = map(float, left.split(" / "))
    assert float(weight) == pytest.approx(exponential / total, abs=2e-4)


@pytest.mark.parametrize("rule", [{}, {"sinks": numpy.array([0.5])}])
def test_a_key_that_a_bias_hides_shifts_no_row(rule):
    paper = Paper(SMALL, SMALL, SMALL, 1, 2, bias=numpy.array([[0.0, 0.0, -1e9]] * 3), **rule)
    assert paper.say("pair.exponentials") in paper.lines
    assert paper.exponentials()[0][2][1:] == ("−∞", "0")
    assert paper.under("weight")[0].endswith(" = 0")


def test_keys_that_a_bias_lowers_alike_are_shifted():
    paper = Paper(SMALL, SMALL, SMALL, 1, 2, bias=numpy.full((3, 3), -1e9))
    assert max(float(power) for _, power, _ in paper.exponentials()[0]) == 0
    left, weight = sides(paper.under("weight")[0])
    exponential, total = map(float, left.split(" / "))
    assert float(weight) == pytest.approx(exponential / total, abs=2e-4)


def test_a_shift_by_a_negative_largest_value_reads_as_subtraction():
    paper = Paper(-SMALL * 8, SMALL * 8, SMALL, 1, 1)
    heading = next(line for line in paper.lines if "first half" in line)
    assert "− -" not in heading


def test_a_sink_takes_part_in_the_sum_and_has_no_value():
    paper = Paper(SMALL, SMALL, SMALL, 0, 1, sinks=numpy.array([0.75]))
    entries, line = paper.exponentials()
    assert entries[-1] == ("sink", "0.75", "2.1170")
    assert len(sides(line)[0].split(" + ")) == 4
    assert paper.under("output")[0].count("×") == 3
    left, weight = sides(paper.under("weight")[0])
    assert float(weight) == pytest.approx(float(left.split(" / ")[0]) / float(left.split(" / ")[1]), abs=1e-4)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_bias_is_added(dtype):
    array = SMALL.astype(dtype)
    paper = Paper(array, array, array, 0, 1, bias=numpy.full((3, 3), -0.3, dtype))
    scaled = paper.steps.scaled[0, 0, 1]
    numbers = re.fullmatch(rf"  ({NUMBER}) \+ \(({NUMBER})\) = ({NUMBER})", paper.under("bias")[0]).groups()
    assert list(map(float, numbers)) == pytest.approx([scaled, -0.3, scaled - 0.3], abs=1e-4)


def test_a_bias_that_hides_is_told_as_hidden():
    bias = numpy.array([[0.0, -math.inf, 0.0]] * 3)
    assert Paper(SMALL, SMALL, SMALL, 0, 1, bias=bias).under("hidden") == []


@pytest.mark.parametrize("rule", [{}, {"scale": 0.25}])
def test_a_softcap_caps_what_the_scale_gave(rule):
    paper = Paper(SMALL * 3, SMALL * 3, SMALL, 1, 1, softcap=2.5, **rule)
    before = sides(
        paper.under(*(("scaled",) if rule else ("root",)), **({"scale": "0.25"} if rule else {"dimension": 3}))[0]
    )[1]
    (line,) = paper.under("softcap", softcap="2.5")
    assert line.startswith(f"  2.5 · tanh({before} / 2.5) = ")
    assert float(sides(line)[1]) == pytest.approx(2.5 * math.tanh(float(before) / 2.5), abs=1e-4)
    assert float(sides(line)[1]) == pytest.approx(paper.steps.scaled[0, 1, 1], abs=1e-4)


def test_a_scale_of_ones_own_multiplies():
    paper = Paper(SMALL, SMALL, SMALL, 0, 0, scale=-0.25)
    (line,) = paper.under("scaled", scale="-0.25")
    assert line == "  0.81 × (-0.25) = -0.2025"


@pytest.mark.parametrize("lang", ["en", "vi"])
def test_long_rows_are_cut_visibly(lang):
    long = numpy.tile(SMALL, (20, 10))  # 60 tokens of 30 numbers
    paper = Paper(long, long, long, 3, 5, lang=lang, max_tokens=6)
    more = lessons(Language(lang)).say("label.more", count="24")
    assert more in paper.under("score")[0].split(" + ")
    assert paper.under("score")[0].count("×") == 6
    keys = lessons(Language(lang)).say("label.more", count="54")
    at = paper.lines.index(f"  {keys}")
    assert paper.lines[at - 3].split()[0] == "k0"
    assert paper.lines[at + 3].split()[0] == "k59"
    assert paper.lines[at + 4].count(keys) == 1
    assert paper.under("output")[0].count("×") == 6
    assert keys in paper.under("output")[0].split(" + ")


def test_long_value_vectors_are_cut_on_both_sides_of_the_sum_alike():
    wide = numpy.tile(SMALL, (1, 4))
    terms, result = Paper(SMALL, SMALL, wide, 0, 0).under("output")
    assert terms.count(" …]") == 3
    assert result.endswith(" …]")


@pytest.mark.parametrize("tokens", [("日本", "a", "ありがとう"), ("e\u0301a", "👩‍👩‍👧", "việc")])
def test_the_exponentials_of_all_keys_stand_in_one_column(tokens):
    paper = Paper(SMALL, SMALL, SMALL, 0, 0, tokens=tokens)
    before = [line.partition("e^")[0] for line in paper.lines if line.startswith("  ") and " e^" in line]
    assert len({cell_len(text) for text in before}) == 1


@pytest.mark.parametrize("precision", [0, 2, 9])
def test_precision_reaches_every_line(precision):
    paper = Paper(SMALL, SMALL, SMALL, 0, 1, precision=precision)
    fixed = re.findall(r"\.(\d+)\b(?!e)", "\n".join(line for line in paper.lines if line.startswith("  ")))
    assert max(map(len, fixed), default=0) == (precision or 2)


def test_quiet_leaves_the_lines_and_drops_the_sentence(told, traces):
    loud, quiet = (told(traces["plain"](), query="0", key="1", quiet=quiet)[-1] for quiet in (False, True))
    assert loud.sentences[0] == "Query `Your` stands at position 0, Key `journey` at position 1."
    assert "rounded" in loud.sentences[1]
    assert quiet == loud._replace(sentences=[])


@pytest.mark.parametrize("name", ["grouped heads", "four heads", "sinks", "alibi", "cross"])
def test_every_head_has_its_own_arithmetic(told, traces, name):
    trace = traces[name]()
    layer = trace.layers[0]
    steps = attend(layer.query, layer.key, layer.value, **vars(layer.rule))
    sections = told(trace, query="1", key="0", precision=6)[2:]
    assert len(sections) == 2 * layer.heads
    for head, section in enumerate(sections[1::2]):
        left, weight = sides(next(line for line in section.lines[::-1] if " / " in line))
        exponential, total = map(float, left.split(" / "))
        assert float(weight) == pytest.approx(steps.weights[head, 1, 0], abs=1e-6)
        assert float(weight) == pytest.approx(exponential / total, abs=1e-5)
        first = re.search(r"×\[([^\]]+)\]", section.lines[-2])[1].split()
        value = layer.value[head * layer.key.shape[0] // layer.heads, 0]
        assert list(map(float, first)) == pytest.approx(value.tolist(), abs=1e-6)


def test_small_numbers_have_the_digits_that_a_reader_computes_with():
    """e^-8.8 beside e^14.2: by hand the quotient is the weight, to three digits."""
    query, key = numpy.ones((1, 1)), numpy.array([[-8.8116], [14.2285]])
    paper = Paper(query, key, numpy.eye(2), 0, 0, scale=1.0)
    entries, _ = paper.exponentials()
    assert entries[0][2] == "1.490e-04"
    left, weight = sides(paper.under("weight")[0])
    exponential, total = map(float, left.split(" / "))
    assert exponential / total == pytest.approx(float(weight), rel=1e-3)


def test_positions_that_turn_are_told_before_the_products():
    said = str(trace_text("a b c", heads=2, position="rope").explain(query=2, key=1))
    assert "turn" in said
    assert str(trace_text("a b c", heads=2).explain(query=2, key=1)) != said


@pytest.mark.parametrize("toward", [None, "@output"])
def test_what_the_key_brings_to_the_output_is_told_where_it_is_asked_for(toward):
    trace = trace_text("a b c", heads=2)
    told = str(trace.explain(step="weights,contribution", query=2, key=1, toward=toward))
    assert told != str(trace.explain(step="weights", query=2, key=1))
    bare = str(trace_text("a b c").explain(step="weights,contribution", query=2, key=1, toward=toward))
    assert "contribut" in told.lower()
    assert "contribut" in bare.lower()


def test_the_position_of_a_cached_query_is_told():
    draw = numpy.random.default_rng(0).standard_normal((1, 5, 2))
    layer = Layer(
        draw[:, :2], draw, draw, Rule(causal=True, query_offset=3), tokens=("d", "e"), key_tokens=tuple("abcde")
    )
    assert "position 4" in str(Trace(("d", "e"), (layer,)).explain(query=1, key=2))
    turned = Layer(draw, draw, draw, Rule(), rotary=True)
    assert "after their turn" in str(Trace(tuple("abcde"), (turned,)).explain(query=1, key=2))
