"""Every word that a person can choose is registered and does something of its own: no member without its factory."""

from __future__ import annotations

import ast
import json
import os
from collections.abc import Callable, Mapping
from enum import StrEnum
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy
import pytest
from array_files import SAMPLES
from command_line import attnviz
from made_diagnoses import TOP_LEFT, made
from made_effects import gathered
from made_roles import made_role
from package_sources import module_sources, nodes

from attnviz import Layer, Projection, Rule, Trace, trace_text
from attnviz.analysis.across.following import Following
from attnviz.analysis.diagnosis.result import Verdict as DiagnosisVerdict
from attnviz.analysis.head_names import Copying, HeadName
from attnviz.analysis.measure import head_metrics
from attnviz.analysis.metrics import Metric
from attnviz.api.on_image import overlaid
from attnviz.choices import (
    Ablation,
    Across,
    Backend,
    Comparison,
    DrawnStep,
    Dtype,
    Effect,
    HeadsAs,
    Interpolation,
    Language,
    MapStep,
    MeasuredStep,
    Pool,
    Position,
    Rounding,
    Step,
    Tokenizer,
    Verify,
)
from attnviz.cli.output.formats import (
    CourseFormat,
    DiagnosisFormat,
    DiffFormat,
    PageFormat,
    PictureFormat,
    RolesFormat,
    StatsFormat,
    TableFormat,
    WritingFormat,
)
from attnviz.corpora.choices import Engine
from attnviz.corpora.engines.chosen import engine_of
from attnviz.renderers.across.picture import decide_across
from attnviz.renderers.diagnosis.told import told as told_diagnosis
from attnviz.renderers.effects.facts import over, title
from attnviz.renderers.explain.next_look import Next
from attnviz.renderers.page.forms import Form
from attnviz.renderers.roles.told import verdict_word
from attnviz.renderers.shared.head_names import title as head_name_title
from attnviz.sources.recording.sampled import Comparison as Compared
from attnviz.sources.recording.sampled import compared_queries
from attnviz.text.course import Mark, read_chapter
from attnviz.text.lessons import lessons
from attnviz.text.manual import Topic, topic_text
from attnviz.text.tokenizer import tokenize
from attnviz.trace.recorded import How, Kept
from attnviz.trace.roles import Verdict
from attnviz.trace.selection import select

TEXT = "the cat sat, and the cat slept"
WHOLE = trace_text("Your journey starts", heads=2, position="sinusoidal", causal=True)


@cache
def written(command: str, form: StrEnum, *options: str) -> bytes:
    """What a command writes in a format: on standard output, or in the file that a trace needs."""
    target = Path(f"trace.{form.value}") if form.value == "safetensors" else Path("-")
    result = attnviz(command, TEXT, "--format", form, "-o", target, *options)
    assert (result.code, result.stderr) == (0, "")
    return result.stdout if str(target) == "-" else target.read_bytes()


def stats(form: StrEnum) -> bytes:
    return written("stats", form, *(["--metric", "entropy"] if form.value in ("png", "svg", "pdf") else []))


@cache
def roles(form: StrEnum) -> bytes:
    result = attnviz("roles", "--cases", "1", "--format", form, "-o", "-")
    assert (result.code, result.stderr) == (0, "")
    return result.stdout


@cache
def diagnosed(form: StrEnum) -> bytes:
    result = attnviz("diagnose", SAMPLES / "top-left.npz", "--format", form, "-o", "-")
    assert (result.code, result.stderr) == (3, "")
    return result.stdout


@cache
def different(form: StrEnum) -> bytes:
    result = attnviz("diff", TEXT, f"{TEXT} more", "--format", form, "-o", "-")
    assert (result.code, result.stderr) == (0, "")
    return result.stdout


@cache
def judged(rounding: StrEnum) -> float:
    """How far rounding may take the same output."""
    said = attnviz("diagnose", SAMPLES / "cached.npz", "--dtype", rounding, "--format", "json")
    return float(json.loads(said.stdout)["tolerance"])


@cache
def taught(form: StrEnum) -> bytes:
    result = attnviz("learn", "1", "--format", form, "-o", "-")
    assert (result.code, result.stderr) == (0, "")
    return result.stdout


@cache
def generated(form: StrEnum) -> bytes:
    """What generate writes of two tokens of a tiny model."""
    from tiny_models import saved  # not for the other choices

    folder = Path("model") if Path("model").exists() else saved("Llama", Path("model"))
    target = Path(f"written.{form.value}")
    result = attnviz("generate", TEXT, "--tokens", "2", "--model", folder, "--format", form, "-o", target)
    assert result.code == 0, result.stderr
    return target.read_bytes()


def positioned(position: StrEnum) -> bytes:
    steps = trace_text(TEXT, heads=2, position=position).layers[0].steps()
    return numpy.asarray(steps.weights).tobytes()


def measured(metric: Metric) -> bytes:
    """A value for each head, where every metric has one; and the unit in which it is told."""
    tokens = tuple(f"w{place % 7}" for place in range(20))
    query, key, value = (numpy.random.default_rng(seed).normal(size=(2, len(tokens), 3)) for seed in range(3))
    layer = Layer(query, key, value, Rule(causal=True, sinks=numpy.zeros(2)))
    values = head_metrics(Trace(tokens, (layer,)), layer)[metric]
    assert numpy.isfinite(values).all()
    assert metric.unit
    return values.tobytes()


def ablated(ablation: StrEnum) -> bytes:
    result = attnviz("stats", "the dogs near", "--model", "tiny", "--metric", "effect", "--ablate", ablation)
    assert (result.code, result.stderr) == (0, "")
    return result.stdout


def effect(one: StrEnum) -> str:
    statistics = gathered()
    return title(Effect(one.value), statistics, lessons()) + over(Effect(one.value), lessons())


def pooled(pool: StrEnum) -> bytes:
    query, key, value = (numpy.random.default_rng(seed).normal(size=(1, 1300, 2)) for seed in range(3))
    made = Trace(tuple(map(str, range(1300))), (Layer(query, key, value, Rule()),))
    [panel] = made.heatmap(pool=pool).drawing.picture.panels
    return numpy.asarray(panel.values).tobytes()


def told(step: StrEnum) -> str:
    return str(WHOLE.explain(step=step))


def drawn(step: StrEnum) -> bytes:
    """What the picture holds, without the cells in which scaled and masked differ from nothing."""
    panels = WHOLE.heatmap(step=step).drawing.picture.panels
    return b"".join(numpy.nan_to_num(panel.values, neginf=-99.0).tobytes() for panel in panels)


def compared(comparison: StrEnum) -> str:
    """The titles of what is compared."""
    return str([one.title for one in WHOLE.heatmap(compare=comparison).drawing.picture.maps])


def typed(dtype: StrEnum) -> str:
    return str(WHOLE.to("torch", dtype=dtype).layers[0].query.dtype)


def held(backend: StrEnum) -> str:
    return type(WHOLE.to(backend).layers[0].steps().weights).__module__.partition(".")[0]


def followed(across: StrEnum = Across.ROLLOUT, heads_as: StrEnum = HeadsAs.MEAN) -> bytes:
    """What one query reads through two layers, whose heads differ, and what each brings to the output."""
    query, key, value = (numpy.random.default_rng(seed).normal(size=(2, 3, 2)) for seed in range(3))
    known = {"output": Projection(numpy.eye(4))}
    layers = tuple(Layer(query, key, value, Rule(), number, projections=known) for number in range(2))
    trace = Trace(("a", "b", "c"), layers)
    [panel] = decide_across(trace, select(trace), Following(across, heads_as)).panels
    return numpy.asarray(panel.values).tobytes()


def heatmapped(form: StrEnum) -> bytes:
    return written("heatmap", form, *(["--across", "rollout"] if form.value in ("csv", "json") else []))


def verified(verify: StrEnum) -> int:
    """How many queries of a long text are compared."""
    vectors = numpy.ones((1, 200, 2))
    return len(compared_queries(Layer(vectors, vectors, vectors), Compared(verify)))


# How each choice is used; the results of its members differ from each other.
USES: Mapping[type[StrEnum], Callable[[Any], Any]] = {
    Step: told,
    MapStep: drawn,
    DrawnStep: drawn,
    MeasuredStep: lambda step: WHOLE.stats(step=step.value).to_csv(),
    Comparison: compared,
    Across: followed,
    HeadsAs: lambda heads_as: followed(heads_as=heads_as),
    Interpolation: lambda interpolation: overlaid(interpolation.value, None, None, "weights", None, None),
    Pool: pooled,
    Ablation: ablated,
    Effect: effect,
    Position: positioned,
    Tokenizer: lambda tokenizer: tuple(tokenize("don't, café", tokenizer)),
    Backend: held,
    Engine: lambda engine: engine_of(engine, 2, None, 0).func,
    Dtype: typed,
    Verify: verified,
    HeadName: lambda name: head_name_title(name, lessons()),
    Language: lambda language: lessons(language).say("scores.what"),
    Metric: measured,
    TableFormat: lambda form: written("explain", form),
    PictureFormat: heatmapped,
    StatsFormat: stats,
    RolesFormat: roles,
    DiagnosisFormat: diagnosed,
    DiffFormat: different,
    Rounding: judged,
    DiagnosisVerdict: lambda verdict: told_diagnosis(made(verdict, (TOP_LEFT,)), lessons()).headline,
    CourseFormat: taught,
    Verdict: lambda verdict: verdict_word(made_role(verdict=verdict), lessons()),
    Topic: topic_text,
    WritingFormat: generated,
    Mark: lambda mark: read_chapter(1, "planted", f"# A\n\n--- {mark.value}\n").parts,
}
NO_CHOICE = {
    How,  # what a recording has seen: tests/sources/recording/test_recording.py
    Kept,  # what it could keep: the same
    Form,  # what a page does by itself: tests/renderers/page/test_packing.py
    Next,  # what explain names as the next step: tests/renderers/explain/test_next_look.py
    Copying,  # what the needles ask, which is one thing: tests/analysis/test_retrieval.py
    PageFormat,  # the only one that html writes: it has no --format
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def choices(sources: Mapping[str, str]) -> set[str]:
    """Every enum of words in the package, as "module.Name"."""
    return {
        f"{module}.{node.name}"
        for module, source in sources.items()
        for node in nodes(source)
        if isinstance(node, ast.ClassDef) and "StrEnum" in map(ast.unparse, node.bases)
    }


def listed() -> set[str]:
    return {f"{choice.__module__}.{choice.__qualname__}" for choice in {*USES, *NO_CHOICE}}


def test_every_choice_has_a_use():
    assert choices(module_sources()) == listed()


def test_a_planted_choice_is_missed():
    planted = {"attnviz.errors": "from enum import StrEnum\nclass Mood(StrEnum):\n    GOOD = 'good'\n"}
    assert choices(module_sources() | planted) - listed() == {"attnviz.errors.Mood"}


def unused(choice: type[StrEnum], use: Callable[[Any], Any]) -> list[str]:
    """The members that cannot be used, or that do what another one does."""
    results: dict[Any, str] = {}
    wrong = []
    for member in choice:
        try:
            result = use(member)
        except Exception as error:
            wrong.append(f"{member}: {type(error).__name__}")
            continue
        if results.setdefault(result, member) is not member:
            wrong.append(f"{member} is {results[result]}")
    return wrong


@pytest.mark.parametrize("choice", USES, ids=lambda choice: choice.__name__)
@pytest.mark.some(10)
def test_every_member_does_something_of_its_own(choice):
    assert len(choice) >= 2
    assert unused(choice, USES[choice]) == []


@pytest.mark.parametrize("choice", USES, ids=lambda choice: choice.__name__)
@pytest.mark.some(10)
def test_a_planted_member_without_a_factory_is_found(choice):
    """A member more, which nothing in the package knows."""
    planted = StrEnum("Planted", {member.name: member.value for member in choice} | {"PLANTED": "planted"})  # type: ignore[misc]
    known = {member.value: member for member in choice}
    wrong = unused(planted, lambda member: USES[choice](known.get(member.value, member)))
    assert [line.split(":")[0].split(" is ")[0] for line in wrong] == ["planted"]


def test_formats_that_a_suffix_picks_are_those_that_exist():
    suffixes = import_module("attnviz.cli.output.formats").SUFFIXES
    words = {
        form.value
        for choice in (
            TableFormat,
            PictureFormat,
            StatsFormat,
            PageFormat,
            RolesFormat,
            WritingFormat,
            CourseFormat,
            DiagnosisFormat,
            DiffFormat,
        )
        for form in choice
    }
    assert suffixes.keys() == words - {"term"}  # which no file holds
    assert len({suffix for some in suffixes.values() for suffix in some}) == sum(map(len, suffixes.values()))


def test_every_language_has_its_file_and_every_file_its_language():
    folder = Path(os.fspath(import_module("attnviz.text.lessons").__file__)).parent
    assert {path.stem for path in folder.glob("*.toml")} == set(Language)
