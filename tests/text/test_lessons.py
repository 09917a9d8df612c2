"""The explanations in words: two languages, the same messages, each of them said by the code."""

from __future__ import annotations

import ast
import re
import string
import sys
import tomllib
import unicodedata
from dataclasses import replace
from pathlib import Path

import numpy
import pytest
from copying import measured as copies
from made_diagnoses import EVERY, FOLLOWS, made, named
from made_effects import gathered, made_effects
from made_roles import made_role, made_roles, share
from package_sources import module_sources, nodes, tree
from pictured import pictured_trace
from PIL import Image
from rich.console import Console

from attnviz import Layer, Projection, Rule, Trace, diff, trace_text
from attnviz.analysis.across.following import Following, shares
from attnviz.analysis.corpus import Statistics
from attnviz.analysis.corpus.quantiles import EXACT
from attnviz.analysis.diagnosis.result import Verdict as DiagnosisVerdict
from attnviz.analysis.metrics import Metric
from attnviz.analysis.reading import Reader
from attnviz.api.learn import ComputedMaterial
from attnviz.choices import (
    CONTRIBUTIONS,
    OUTPUT,
    Ablation,
    Across,
    Comparison,
    DrawnStep,
    Effect,
    HeadsAs,
    Language,
    MapStep,
    MeasuredStep,
    Pool,
    Step,
)
from attnviz.cli.options.source import SourceOptions
from attnviz.cli.output.going_on import next_line
from attnviz.renderers.across.picture import decide_across
from attnviz.renderers.across.shares import to_renderable as shares_table
from attnviz.renderers.course.contents import listed
from attnviz.renderers.course.lesson import Lesson
from attnviz.renderers.course.notebook import to_notebook
from attnviz.renderers.course.page import to_html
from attnviz.renderers.course.screens import waiting_words
from attnviz.renderers.diagnosis.answer import to_renderable as diagnosis_answer
from attnviz.renderers.diagnosis.picture import decide as diagnosis_picture
from attnviz.renderers.difference.picture import decide as difference_picture
from attnviz.renderers.difference.table import to_renderable as tell_difference
from attnviz.renderers.effects.effect_map import decide as effects_map
from attnviz.renderers.effects.effect_table import to_renderable as effects_table
from attnviz.renderers.explain.next_look import Next, NextLook
from attnviz.renderers.explain.sections import explain
from attnviz.renderers.generation.frames import frames
from attnviz.renderers.generation.step import StepLines, ending
from attnviz.renderers.generation.step import decided as step_decided
from attnviz.renderers.heatmap.decided import decided
from attnviz.renderers.heatmap.picture import View
from attnviz.renderers.heatmap.picture import decide as heatmap
from attnviz.renderers.heatmap.terminal import TerminalMap
from attnviz.renderers.on_image.across import decide_across_image
from attnviz.renderers.on_image.decided import Look, Overlay
from attnviz.renderers.on_image.decided import decide as decide_on_image
from attnviz.renderers.page.words import PAGE_GROUPS
from attnviz.renderers.page.worn import worn_roles
from attnviz.renderers.recorded.rows import told_layers
from attnviz.renderers.retrieval.retrieval_table import to_renderable as retrieval_table
from attnviz.renderers.roles.picture import decide as roles_picture
from attnviz.renderers.roles.role_table import to_renderable as roles_table
from attnviz.renderers.roles.told import WORN, worn_name
from attnviz.renderers.shared.facts import exactness
from attnviz.renderers.shared.matrix import Looks
from attnviz.renderers.shared.table import COLUMN_CELLS
from attnviz.renderers.stats.head_map import decide as statistics_map
from attnviz.renderers.stats.head_table import to_renderable as statistics_table
from attnviz.text.course import Chapter, Mark, Paragraph
from attnviz.text.display import shorten
from attnviz.text.lessons import Catalogue, Lessons, lessons
from attnviz.trace.along import along
from attnviz.trace.asking import ROLES
from attnviz.trace.direction import Direction
from attnviz.trace.generation import Generation
from attnviz.trace.recorded import How, Kept, RecordedLayer, RecordedLayers
from attnviz.trace.roles import Example, HeadRole, Verdict
from attnviz.trace.rotation import Rotation
from attnviz.trace.row_sums import row_sums
from attnviz.trace.selection import select
from attnviz.trace.written import written_steps
from tests.support.contributions import with_output

LESSONS = Path(sys.modules[Lessons.__module__].__file__).parent
ENGLISH, VIETNAMESE = (lessons(language).messages for language in (Language.EN, Language.VI))
EVERY_LANGUAGE = pytest.mark.parametrize("language", list(Language))
FIELD_WORDS = ("Query", "Key", "Value", "softmax", "token", "d_k", "W_O", "tanh", "ALiBi", "sink")
VIETNAMESE_LETTERS = set("ăâđêôơưàảãáạằẳẵắặầẩẫấậèẻẽéẹềểễếệìỉĩíịòỏõóọồổỗốộờởỡớợùủũúụừửữứựỳỷỹýỵ")
NO_WORDS_OF_ITS_OWN = {
    "label.query",
    "label.key",
    "label.token",
    "unfold.position",
    "title.query",
    "title.key",
    "title.value",
    "pair.sink",
    "way.bias",
    "page.axis_query",
    "unit.bits",
    "effect.nats",
    "picture.query",
    "picture.key",
    "picture.one_query",
    "picture.one_key",
    "picture.softcap",
    "picture.bias",
    "across.of_query",
    "diagnose.row",
    "diagnose.column",
    "diff.where",
}


def placeholders(message):
    return sorted(field for _, field, _, _ in string.Formatter().parse(message) if field is not None)


class Recording(Lessons):
    """Lessons that remember what was asked of them."""

    def __init__(self, messages):
        super().__init__(messages)
        self.said = {}

    def say(self, name, **values):
        self.said.setdefault(name, []).append(values)
        return super().say(name, **values)


def traces():
    """Traces that together need every message."""
    draw = numpy.random.default_rng(0)

    def made(queries=3, keys=3, heads=1, kv_heads=1, size=1.0, source=None, **rule):
        shapes = (heads, queries, 4), (kv_heads, keys, 4), (kv_heads, keys, 4)
        query, key, value = (draw.standard_normal(shape) * size for shape in shapes)
        bias = {"query": Projection(numpy.eye(4 * heads), numpy.ones(4 * heads))} if rule.pop("biased", False) else {}
        whole = {name: Projection(numpy.eye(4 * heads)) for name in ("query", "key", "value")} | bias if bias else {}
        key_tokens = None if queries == keys else tuple(f"k{place}" for place in range(keys))
        layer = Layer(query, key, value, Rule(**rule), key_tokens=key_tokens, projections=whole)
        return Trace(tuple(f"w{place}" for place in range(queries)), (layer,), source or {})

    text = "Your journey starts with one step"
    yield trace_text(text, softcap=2.0)
    yield trace_text(text, scale=1.0, causal=True, window=2)
    yield trace_text(text, scale=0.3, position="sinusoidal")
    yield replace(trace_text(text, position="sinusoidal"), source={"kind": "model", "model": "M"})
    yield trace_text(text, heads=2, position="rope")
    yield trace_text(text, heads=3, causal=True)
    yield trace_text(text, heads=2, position="alibi")
    yield trace_text(" ".join(f"w{place}" for place in range(20)))
    yield made(heads=4, kv_heads=2, size=20.0)
    yield made(2, 5)
    yield made(biased=True)
    yield made(mask=numpy.array([[True, False, True], [False] * 3, [True] * 3]), sinks=numpy.array([0.5]))
    for source in ({}, {"kind": "model", "model": "M"}, {"kind": "model", "model": "tiny"}):
        yield made(bias=numpy.ones((3, 3)), source=source)
    yield made(
        source={"kind": "model", "model": "M", "agreement": {"errors": {"layer 0": 2e-7}, "largest_error": 2e-7}}
    )
    yield made(source={"kind": "model", "model": "M", "agreement": {"errors": {"layer 0": 0.0}, "largest_error": 0.0}})
    yield made(bias=numpy.array([[0, -3e38, 0]] * 3))
    yield made(source={"kind": "model", "ids": [5, 6, 7], "special": [0]})
    yield made(2, 5, causal=True, query_offset=3)
    yield trace_text("same same same")
    later = trace_text("same same same")
    yield replace(later, layers=(replace(later.layers[0], index=1),))
    yield replace(made(), generation=Generation(("a",), (0.5,)))
    yield replace(made(), generation=Generation(("a",)))


def tell_directed(lesson, toy, token):
    """Say all that is said of contributions along a direction."""
    width = toy.layers[0].inputs.shape[1]
    toy = along(replace(toy, layers=(replace(toy.layers[0], toward=Direction("x", numpy.ones(width))),)), token)
    for place in {}, {"query": "2", "key": "0"}:
        list(explain(toy, select(toy, step=CONTRIBUTIONS, **place), Looks(lesson)))
    for step in CONTRIBUTIONS:
        heatmap(toy, select(toy), MapStep(step), view=View(words=lesson))
        statistics = Statistics(step=MeasuredStep(step))
        statistics.add(toy, select(toy))
        statistics_table(statistics, None, lesson)


def weights_alone():
    """Traces of which the weights alone are known: whole rows and some that lack a part, of one text and of two."""
    given = numpy.full((2, 3, 3), 1 / 3)
    given[1, 2] /= 2
    for key_tokens in (None, ("x", "y", "z")):
        layer = Layer(weights=given, key_tokens=key_tokens)
        yield Trace(("a", "b", "c"), (layer,), {"row_sums": row_sums([layer])._asdict()})


def merged():
    """A trace of words in place of tokens."""
    return trace_text(" ".join(map(str, range(60))), tokenizer="char").by_words()


def turned():
    """Traces whose queries and keys are turned, of which some numbers are not, or by unknown angles."""
    vectors = numpy.ones((1, 3, 4))
    for rotation in (Rotation(numpy.ones(1), halves=True, gain=2.0), None):
        yield Trace(("a", "b", "c"), (Layer(vectors, vectors, vectors, rotary=True, rotation=rotation),))


def compared_heads():
    """Traces of two heads that look at the same, at another key in one row or more, more or less widely, or have one row."""
    for rows in (
        numpy.eye(3)[:, [1, 0, 2]] * 2,
        numpy.eye(3) * 9,
        numpy.eye(3) / 9,
        numpy.diag([9, -9, 9]),
        numpy.eye(3)[:1],
        numpy.eye(3)[1:2],
    ):
        keys = numpy.stack([numpy.eye(3)] * 2)
        query = numpy.stack([numpy.eye(3)[: len(rows)], rows])
        tokens = ("a", "b", "c")
        yield Trace(tokens[: len(rows)], (Layer(query, keys, keys, key_tokens=tokens),))


@pytest.fixture(scope="module", params=list(Language))
def recording(request):
    """The lessons of a language after everything was told of every trace."""
    lesson = Recording(lessons(request.param).messages)
    for trace in traces():
        list(explain(trace, select(trace), Looks(lesson)))
        list(explain(trace, select(trace), Looks(lesson, every=True)))
        for top in (1, 2):
            list(explain(trace, select(trace), Looks(lesson, top=top)))
            list(explain(trace, select(trace, key="@1"), Looks(lesson, top=top)))
            list(explain(trace, select(trace, query="@0"), Looks(lesson, top=top)))
        if trace.source.get("special"):
            list(explain(trace, select(trace, skip_special=True), Looks(lesson)))
        for query in ("0", "1"):
            list(explain(trace, select(trace, query=query, key="1"), Looks(lesson)))
        list(explain(trace, select(trace, step=[Step.QUERY, Step.KEY]), Looks(lesson)))
    for trace in (*compared_heads(), *turned(), *weights_alone(), merged()):
        list(explain(trace, select(trace), Looks(lesson)))
        list(explain(trace, select(trace, query="@0", key="@0"), Looks(lesson)))
    vectors = numpy.zeros((1025, 1))  # too long for a table of all pairs
    trace = Trace(tuple(map(str, range(1025))), (Layer(vectors, vectors, vectors),))
    list(explain(trace, select(trace, step=["weights"]), Looks(lesson)))
    for heads in (1, 2):
        toy = trace_text("Your journey starts", heads=heads, causal=True)
        for place in {}, {"query": "2", "key": "0"}:
            list(explain(toy, select(toy, step=CONTRIBUTIONS, **place), Looks(lesson)))
        list(explain(toy, select(toy, step=[Step.CONTRIBUTION], query="2"), Looks(lesson, top=1)))
        for token in ("x", OUTPUT):
            tell_directed(lesson, toy, token)
    for what in Next:
        next_line(NextLook(what, "explain", []), lesson, SourceOptions(text="a"), [])
    measure(lesson)
    tell_roles(lesson)
    tell_diagnoses(lesson)
    tell_effects(lesson)
    tell_differences(lesson)
    tell_recordings(lesson)
    write(lesson)
    teach(lesson)
    draw(lesson)
    draw_on_image(lesson)
    follow(lesson)
    return lesson


def draw(lesson):
    """Say all that stands around the maps of a picture."""
    exactness("M", 0.0, lesson)
    vectors, source = numpy.ones((2, 3, 2)), {"kind": "model", "model": "M", "agreement": {"largest_error": 2e-7}}
    generation, tokens = Generation(("w2",), (0.5,)), ("w0", "w1", "w2")
    rule = Rule(causal=True, window=2)
    for name in ("", "cross"):
        both = [Layer(vectors, vectors, vectors, rule, index, name=f"{name} {index}".strip()) for index in (0, 1)]
        trace = Trace(tokens, tuple(both), source, generation=generation)
        for layer, head in ((["0"], ["0"]), (["0"], []), ([], [])):
            heatmap(trace, select(trace, layer=layer, head=head), view=View(words=lesson))
        known = replace(trace, layers=tuple(map(with_output, both)))
        heatmap(known, select(known), MapStep.SUMMED, view=View(words=lesson))
    projected = trace_text("a b", project=True)
    for step in MapStep:
        heatmap(projected, select(projected), step, view=View(words=lesson))
    for position in ("sinusoidal", "alibi"):
        toy = trace_text("a b", position=position, softcap=2.0)
        for comparison in Comparison:
            decided(toy, select(toy), compare=comparison, view=View(words=lesson))
        decided(toy, select(toy), DrawnStep.ALL, view=View(words=lesson))
    for rule in (Rule(sinks=numpy.ones(2)), Rule(causal=True)):
        every = Trace(tokens, (Layer(vectors, vectors, vectors, rule),))
        decided(every, select(every), DrawnStep.ALL, view=View(words=lesson))
    masked = Layer(vectors, vectors, vectors, Rule(mask=numpy.zeros((3, 3), bool)))
    heatmap(Trace(tokens, (masked,)), select(Trace(tokens, (masked,))), view=View(words=lesson))
    heatmap(made_special(), select(made_special(), skip_special=True), view=View(words=lesson))
    heatmap(merged(), select(merged()), view=View(dpi=20, width=20.0, words=lesson))
    for pool in Pool:
        trace = trace_text(" ".join(map(str, range(60))))
        view = View(pool, dpi=20, words=lesson)
        for place in ("3", "3:50"):
            heatmap(trace, select(trace, query=place, key=place).as_region(), view=view)
        picture = heatmap(trace, select(trace), view=view)
        heatmap(trace, select(trace), view=view._replace(width=20.0))
        list(Console(width=30).render(TerminalMap(picture._replace(cell=(1, 1)), words=lesson)))


def follow(lesson):
    """Say all that is said of attention that is followed through layers."""
    vectors, rule = numpy.random.default_rng(3).standard_normal((2, 5, 2)), Rule(causal=True, sinks=numpy.ones(2))
    known = {"output": Projection(numpy.eye(4, 3))}
    layers = [Layer(vectors, vectors, vectors, rule, number, projections=known) for number in range(2)]
    trace, view = Trace(tuple("abcde"), tuple(layers)), View(words=lesson, cells=2)
    for layer, head, query, heads_as in (
        (["0"], ["0"], None, HeadsAs.MEAN),
        *(([], [], "3", heads_as) for heads_as in HeadsAs),
    ):
        selection = select(trace, layer=layer, head=head, query=query, key="0:4").as_region()
        for across in Across:
            following = Following(across, heads_as)
            decide_across(trace, selection, following, view=view)
            shares_table(trace, shares(trace, selection, following), lesson)
    decide_across_image(
        Following(), pictured_trace(), select(pictured_trace()), Image.new("RGB", (30, 20)), look=Look(words=lesson)
    )


def draw_on_image(lesson):
    """Say all that stands around weights on an image."""
    trace, image, look = pictured_trace(), Image.new("RGB", (30, 20)), Look(words=lesson)
    for layer, head, query, contours in (
        (["0"], ["0"], None, (0.5, 0.8)),
        (["0"], [], "0:3", ()),
        (["0", "1"], [], "cls", (0.5,)),
    ):
        selection = select(trace, layer=layer, head=head, query=query)
        decide_on_image(trace, selection, image, Overlay(contours=contours), look)


def write(lesson):
    """Say all that generate says in its lines and frames."""
    vectors = numpy.random.default_rng(2).standard_normal((1, 3, 4))
    generation = Generation(("w2", "end"), (0.5, 0.25), "w0", "w2 end")
    rule = Rule(causal=True)
    for name in ("", "decoder 0"):
        layer = Layer(vectors, vectors, vectors, rule, name=name)
        trace = Trace(("w0", "w1", "w2"), (layer,), predictions=[[("a", 0.5)]] * 3, generation=generation)
        [*frames(trace, Reader(), lesson)]
        for written in written_steps(trace):
            list(StepLines(step_decided(written, Reader().of(written)), lesson).lines(80))
        ending(trace, 3, lesson, worn=True)


def teach(lesson):
    """Say all that the course says outside of its chapters."""
    marks = Chapter(1, "marks", "All marks", (*Mark, Paragraph("text")))
    lessons = [Lesson(marks, ComputedMaterial("a", lesson), "a")] * 2
    for part in lessons[0].renderables, lessons[0]._repr_html_():
        list(part)
    to_html(lessons, Language.EN)
    to_notebook(lessons, Language.EN)
    listed([marks], (), lesson)
    waiting_words(lesson, 1, 2)


def measure(lesson):
    """Say all that stats says in its tables and maps."""
    many = "the cat sat on the mat"
    special = made_special()
    for pool in Pool:
        statistics = Statistics(pool=pool)
        for trace, selection in (
            (trace_text(many), {}),
            (special, {"skip_special": True}),
        ):
            statistics.add(trace, select(trace, **selection))
            statistics_table(statistics, None, lesson)
        for metric in Metric:
            statistics_map(statistics, metric, words=lesson)
    toy = trace_text("a b c", heads=2)
    for some, part in ((toy, {"key": "0:2"}), (made_special(), {"skip_special": True})):
        projected = replace(some, layers=tuple(with_output(layer) for layer in some.layers))
        for step in CONTRIBUTIONS:
            of_contributions = Statistics(step=MeasuredStep(step))
            of_contributions.add(projected, select(projected, **part).as_region())
            statistics_table(of_contributions, None, lesson)
            statistics_map(of_contributions, Metric.FIRST, words=lesson)
            heatmap(projected, select(projected, **part).as_region(), MapStep(step), view=View(words=lesson))
    several = Statistics(quantiles=(0.5,), top_texts=1)
    several.partial = True
    for place in range(7):  # more reasons than are listed, and of one more texts than are named
        several.skip(f"reason {place}", "line 1")
        several.skip("too long", f"line {place}")
    for key in ("0:2", "1:3"):
        several.add(trace_text(many), select(trace_text(many), key=key))
    statistics_table(several, None, lesson)
    statistics_table(several_times(several), None, lesson)
    long = trace_text("a b " * 12, heads=9)  # heads of made-up numbers are broad, and more than are listed
    broad = Statistics(metrics=(Metric.EVENNESS,))
    broad.add(long, select(long))
    statistics_table(broad, None, lesson)
    for lost in (0, 1, 9):
        retrieval_table(copies(12, lost=lost), lesson)
    region = Statistics()
    region.add(trace_text(many), select(trace_text(many), key="1:3"))
    region.sampled = 1
    statistics_table(region, None, lesson)


def several_times(statistics):
    """The same texts again and again, until their quantiles are no longer exact."""
    while statistics.texts <= EXACT:
        statistics = statistics.merged(statistics)
    return statistics


def tell_effects(lesson):
    """Say all that stats says in tables and maps of effects."""
    made = (
        gathered(),
        gathered(made_effects(), made_effects(" Rome"), ablation=Ablation.ZERO),
        gathered(made_effects(answer=None)),
        gathered(made_effects(loss=float("nan"))),
        gathered(made_effects(), top_texts=1),
    )
    for statistics in made:
        effects_table(statistics, None, lesson)
        for effect in statistics.metrics:
            effects_map(statistics, effect, words=lesson)


def tell_recordings(lesson):
    """Say all that the table of a recording says."""
    rows = [RecordedLayer(0, "", 0, how, kept=kept) for how in How for kept in Kept]
    told_layers(RecordedLayers(tuple(rows)), lesson)
    told_layers(RecordedLayers(()), lesson)


def tell_roles(lesson):
    """Say all that roles says of each role, verdict and lack, in its table and its picture."""
    lacks = ("hits", "offset", "needed", "apart", "patched")
    example = Example(("a", "b"), 0, "c", (0.5, 0.5))
    ablated = dict.fromkeys(ROLES, share(0.5))
    for verdict in (*Verdict, None):
        roles = [
            made_role(role, verdict=verdict, missing=lacks, example=example, word_before=share(0.9), ablated=ablated)
            for role in ROLES
        ]
        found = made_roles(*roles, tried=2)
        roles_table(found, lesson)
        roles_picture(found, lesson)
        assert all(worn_name(one, lesson) or verdict not in WORN for one in roles)
    roles_table(made_roles(made_role(accuracy=None), cases=1), lesson)
    vectors = numpy.zeros((1, 2, 1))
    page = select(Trace(("a", "b"), (Layer(vectors, vectors, vectors, index=1),)))
    assert worn_roles([made_role()], page.layers[0], lesson)


def tell_diagnoses(lesson):
    """Say all that diagnose says, of every mistake, and around its picture."""
    mistakes = [name.partition(".")[2] for name in lesson.messages if name.startswith("mistake.")]
    for found in (*EVERY, made(DiagnosisVerdict.MISTAKE, *((named(name),) for name in mistakes))):
        diagnosis_answer(found, lesson)
        if found.compared:
            diagnosis_picture(found, lesson)


def tell_differences(lesson):
    """Say all that diff says, in its table and around its picture."""
    two = trace_text("a b c d", heads=2)
    for first, second, options in (
        ("a b c", "x b c y", {}),
        (two, two, {"pool": "max"}),
        (two, two, {"left": "0.0", "right": "0.1"}),
        (two, trace_text("a b c d", heads=3), {"top": 1}),
        (trace_text("a b c d", heads=3), two, {}),
        (replace(two, facts={"texts": tuple("abcd")}), trace_spelled("abcd"), {}),
    ):
        found = diff(first, second, **options)
        tell_difference(found, lesson)
        difference_picture(found, view=View(words=lesson))


def trace_spelled(spelling):
    """A text whose tokens have other labels than their spelling."""
    vectors = numpy.random.default_rng(3).standard_normal((2, len(spelling), 4))
    labels = tuple(f"_{letter}" for letter in spelling)
    return Trace(labels, (Layer(vectors, vectors, vectors),), facts={"texts": tuple(spelling)})


def made_special():
    vectors = numpy.random.default_rng(1).standard_normal((3, 4))
    source = {"kind": "model", "ids": [5, 6, 7], "special": [0]}
    return Trace(("w0", "w1", "w2"), (Layer(vectors, vectors, vectors),), source)


@EVERY_LANGUAGE
def test_group_by_group_a_file_holds_what_it_holds_as_a_whole(language):
    whole = tomllib.loads((LESSONS / f"{language.value}.toml").read_text("utf-8"))
    messages = lessons(language).messages
    assert dict(messages) == {f"{group}.{key}": text for group, texts in whole.items() for key, text in texts.items()}
    assert len(messages) == len(dict(messages))


def test_only_the_groups_that_are_asked_for_are_parsed():
    catalogue = Catalogue('[one]\na = "b"\n[two]\nthis is no TOML\n')
    assert catalogue["one.a"] == "b"
    with pytest.raises(tomllib.TOMLDecodeError):
        catalogue["two.a"]


def test_both_languages_have_the_same_messages():
    assert list(VIETNAMESE) == list(ENGLISH)


def unlike(of):
    """The messages of which ``of`` tells one thing in English and another in Vietnamese: all in one test, since there are
    a thousand of them, and a test takes pytest longer than what it asks of one."""
    return [name for name in ENGLISH if of(VIETNAMESE[name]) != of(ENGLISH[name])]


def test_both_languages_have_the_same_placeholders():
    assert unlike(placeholders) == []


def unsaid(messages, said):
    """The messages that nothing has said; those of the page are said by its scripts: renderers/page/test_bundle.py."""
    return sorted(name for name in messages if name not in said and name.partition(".")[0] not in PAGE_GROUPS)


def wrong_values(messages, said):
    """The messages that got other values than their placeholders name."""
    return [
        name
        for name, calls in said.items()
        for values in calls
        if sorted(values) != sorted(set(placeholders(messages[name])))
    ]


def test_the_code_says_every_message(recording):
    assert unsaid(recording.messages, recording.said) == []


def test_a_planted_message_that_nothing_says_is_found(recording):
    assert unsaid({**recording.messages, "scores.planted": "Nothing."}, recording.said) == ["scores.planted"]


def test_every_message_gets_just_the_values_that_it_names(recording):
    assert len(recording.said) > 50
    assert wrong_values(recording.messages, recording.said) == []


@pytest.mark.parametrize("values", [{}, {"query": "a", "key": "b"}, {"key": "a"}])
def test_planted_values_that_a_message_does_not_name_are_found(values):
    messages = {"scores.planted": "Of `{query}`."}
    assert wrong_values(messages, {"scores.planted": [{"query": "a"}]}) == []
    assert wrong_values(messages, {"scores.planted": [{"query": "a"}, values]}) == ["scores.planted"]


def unknown(sources, messages):
    """What the code says, in say(…), of which there is no message."""
    return [
        f"{module}: {ast.unparse(call)}"
        for module, source in sources.items()
        for call in nodes(source)
        if isinstance(call, ast.Call) and call.args and re.fullmatch(r"(\w+\.)*say", ast.unparse(call.func))
        if not any(re.fullmatch(said_by(call.args[0]), name) for name in messages)
    ]


def test_every_message_that_the_code_names_exists():
    assert unknown(module_sources(), ENGLISH) == []


@pytest.mark.parametrize(
    "call", ['say("scores.planted")', 'self.writer.say("scores.wat", query=query)', 'lesson.say(f"planted.{step}")']
)
def test_a_planted_name_without_a_message_is_found(call):
    assert unknown({"planted": f"def f():\n    {call}\n"}, ENGLISH) == [f"planted: {call.replace(chr(34), chr(39))}"]


# Sentences that are told of a trace stand in lessons/ alone; an error's words, which are English, stand where it is raised.
TOLD_OF_A_TRACE = ("attnviz.renderers.explain.", "attnviz.renderers.page.")
WORDS_OF_ERRORS = {"attnviz.renderers.page.size"}
SENTENCE = re.compile(r"[^\W\d_]{2,} [^\W\d_]{2,} [^\W\d_]{2,}")


def sentences(sources):
    """The texts of three words and more in the code that tells, docstrings and errors apart."""
    told = {name: text for name, text in sources.items() if name.startswith(TOLD_OF_A_TRACE)}
    return [
        f"{module}: {node.value}"
        for module, source in told.items()
        if module not in WORDS_OF_ERRORS
        for node in _texts(tree(source))
        if SENTENCE.search(node.value)
    ]


def _texts(module):
    """The texts of a module that may be shown: neither docstrings nor words of an error."""
    apart = [
        node.value for node in ast.walk(module) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    ]
    apart += [
        call for call in ast.walk(module) if isinstance(call, ast.Call) and ast.unparse(call.func).endswith("Error")
    ]
    out = {id(inner) for node in apart for inner in ast.walk(node)}
    return [
        node
        for node in ast.walk(module)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in out
    ]


def test_no_sentence_stands_in_the_code():
    assert sentences(module_sources()) == []


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ('NOTE = "the weights add up to one"', True),
        ('NOTE = "Trọng số cộng lại bằng một"', True),
        ('def f():\n    table.add(f"the weights of {name} here")', True),
        ('def f():\n    table.add("the weights add up")', True),
        ('def f():\n    yield "the weights add up"', True),
        ('def f():\n    """The weights add up."""', False),
        ('raise AttnvizError("the weights add up")', False),
        ('STYLE = "bold cyan"', False),
    ],
)
def test_a_planted_sentence_is_found(line, found):
    assert bool(sentences({"attnviz.renderers.explain.planted": line})) is found


def said_by(argument):
    """A pattern of the names that the first argument of say(…) may be."""
    if isinstance(argument, ast.Constant):
        return re.escape(argument.value)
    if isinstance(argument, ast.JoinedStr):
        of_roles = [*ROLES, *(verdict.name.lower() for verdict in Verdict), *HeadRole.__dataclass_fields__]
        of_mistakes = [*(name for name in FOLLOWS if "-" not in name), "scale-value", "meant"]
        sides = ["left", "right"]
        steps = (
            "("
            + "|".join(
                [
                    *Step,
                    *Comparison,
                    *Across,
                    *HeadsAs,
                    *Metric,
                    *(metric.unit for metric in Metric),
                    *Effect,
                    *Next,
                    *of_roles,
                    *of_mistakes,
                    *sides,
                ]
            )
            + ")"
        )
        return "".join(re.escape(part.value) if isinstance(part, ast.Constant) else steps for part in argument.values)
    return ".+"  # a variable: the recording sees what it held


def ill_formed(message):
    """What is wrong with a message, wherever it stands."""
    places = [f"{{{place}}}" for place in re.findall(r"\{(\w+)\}", message) if place in ("query", "key", "token")]
    wrong = {
        "not composed": message != unicodedata.normalize("NFC", message),
        "space around it": message != message.strip(),
        "two spaces": "  " in message,
        "a character that is not printed": not message.isprintable(),
        "one backtick": message.count("`") % 2,
        "one bracket": any(message.count(opening) != message.count(closing) for opening, closing in ("()", "[]", "{}")),
        "tokens, and nothing else, stand between backticks": re.findall("`([^`]*)`", message) != places,
    }
    return [what for what, is_so in wrong.items() if is_so]


@EVERY_LANGUAGE
def test_a_message_is_well_formed(language):
    messages = lessons(language).messages
    assert {name: found for name in ENGLISH if (found := ill_formed(messages[name]))} == {}


@pytest.mark.parametrize(
    ("message", "what"),
    [
        ("e\u0301", "not composed"),
        (" a", "space around it"),
        ("a  b", "two spaces"),
        ("a\x07b", "a character that is not printed"),
        ("`{query}", "one backtick"),
        ("(a", "one bracket"),
        ("a]", "one bracket"),
        ("Of {query}.", "tokens, and nothing else, stand between backticks"),
        ("Of `{count}`.", "tokens, and nothing else, stand between backticks"),
    ],
)
def test_a_planted_message_that_is_not_is_found(message, what):
    assert what in ill_formed(message)
    assert ill_formed("Of `{query}` (and `{key}`): {count}.") == []


def wordless(vietnamese, english):
    """Whether there is a word in English, and no Vietnamese letter where it is said in Vietnamese."""
    return not set(vietnamese.lower()) & VIETNAMESE_LETTERS and bool(
        re.search("[a-z]{3}", re.sub(r"\{\w+\}", "", english))
    )


def test_vietnamese_is_vietnamese():
    found = [name for name in ENGLISH if wordless(VIETNAMESE[name], ENGLISH[name])]
    assert [name for name in found if name not in NO_WORDS_OF_ITS_OWN] == []
    assert wordless("The weights.", "The weights.")


WITH_WORDS_OF_THE_FIELD = [
    (name, word) for name in sorted(ENGLISH) for word in FIELD_WORDS if re.search(rf"\b{word}s?\b", ENGLISH[name])
]


def test_the_words_of_the_field_stay():
    assert [(name, word) for name, word in WITH_WORDS_OF_THE_FIELD if word not in VIETNAMESE[name]] == []


def test_every_word_of_the_field_is_said_and_softmax_in_both_languages_alike():
    assert {word for _, word in WITH_WORDS_OF_THE_FIELD} == set(FIELD_WORDS)
    assert [name for name in ENGLISH if ("softmax" in VIETNAMESE[name]) > ("softmax" in ENGLISH[name])] == []


def test_both_languages_end_alike():
    """A sentence ends with a stop in both, a heading of lines in neither."""
    assert unlike(lambda message: message.endswith(".")) == []


def test_formulas_are_the_same_in_both():
    signs = re.compile(r"[√−∞·…→↓=]|e\^|\btanh\b|\bW_\w\b|\bd_k\b")
    assert unlike(lambda message: set(signs.findall(message))) == []


@EVERY_LANGUAGE
def test_the_columns_of_a_table_are_told_apart(language):
    titles = [lessons(language).messages[f"column.{step}"] for step in MapStep if step is not MapStep.SUMMED]
    assert len({shorten(title, COLUMN_CELLS) for title in titles}) == len(titles)
    assert [title for title in titles if shorten(title, COLUMN_CELLS) != title] == []


def test_an_unknown_message_is_an_error_at_once():
    with pytest.raises(KeyError):
        lessons(Language.EN).say("scores.nothing")


@EVERY_LANGUAGE
def test_braces_in_a_token_are_no_placeholders(language):
    assert "`{0}{query}`" in lessons(language).say("masked.blind", query="{0}{query}")
