"""Random texts, bytes and options: a result or one clear line, never an exception."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace
from itertools import chain
from typing import Any
from xml.etree import ElementTree

import numpy
import pytest
from command_line import Result, attnviz
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import Case, attention_cases

from attnviz import load
from attnviz.analysis.metrics import Metric
from attnviz.choices import Comparison, DrawnStep, Dtype, HeadsAs, Language, Position, Step, Tokenizer

ANYTHING = st.text(st.characters(exclude_categories=()), max_size=30)
TEXTS = ANYTHING | st.lists(
    st.sampled_from(["a", "b", "Your", "注意", "👍🏽", "e\u0301", "\u202e", "[/]", "\x1b[31m", "$x$", "=1"]), max_size=8
).map(" ".join)
FORMATS = ["table", "json", "csv", "markdown", "latex", "html"]
few = settings(max_examples=60)


def assert_told(result: Result, *codes: int) -> None:
    """The exit code is one of ``codes``, and a failure is one line with at most one hint."""
    assert result.code in codes, result
    if result.code:
        message, *hints = result.stderr.splitlines()
        assert result.stdout == b""
        assert message.startswith("attnviz: ")
        assert (
            [hint for hint in hints if not hint.startswith(("attnviz: hint: ", "attnviz: gợi ý: "))] == hints[1:] == []
        )
    assert "\x1b" not in result.text + result.stderr


@pytest.mark.parametrize("form", FORMATS)
@settings(max_examples=25)  # of each format
@given(text=TEXTS, tokenizer=st.sampled_from(Tokenizer))
@pytest.mark.some(2)
def test_any_text_is_explained(form, text, tokenizer):
    assert_told(attnviz("explain", "--format", form, "--tokenizer", tokenizer, "--", text), 0, 1)


@few
@given(text=TEXTS, tokenizer=st.sampled_from(Tokenizer))
@pytest.mark.slow
def test_any_text_is_drawn_in_a_terminal(text, tokenizer):
    assert_told(attnviz("heatmap", "--format", "term", "--tokenizer", tokenizer, "--", text), 0, 1)


@settings(max_examples=25)  # each new script is looked for in every font of the machine
@given(text=TEXTS, tokenizer=st.sampled_from(Tokenizer))
@pytest.mark.slow
def test_any_text_is_drawn_as_well_formed_xml(text, tokenizer):
    result = attnviz("heatmap", "-o", "-", "--format", "svg", "--tokenizer", tokenizer, "--", text)
    assert result.code in (0, 1)
    assert result.code or ElementTree.fromstring(result.stdout).tag.endswith("svg")


@few
@given(content=st.binary(max_size=40), lines=st.booleans())
def test_any_bytes_are_read(content, lines):
    result = attnviz("explain", "--format", "json", *(["--lines"] if lines else []), stdin=content)
    assert result.code in (0, 1)
    assert all(line.startswith("attnviz: ") for line in result.stderr.splitlines())


@few
@given(text=TEXTS, query=TEXTS, key=TEXTS | st.integers(-1, 9).map(str))
def test_any_token_is_looked_for(text, query, key):
    assert_told(attnviz("explain", f"--query={query}", f"--key={key}", "--", text), 0, 1)


def option(name: str, values: st.SearchStrategy[Any]) -> st.SearchStrategy[list[str]]:
    return values.map(lambda value: [f"--{name}={value}"])


def flags(*names: str) -> st.SearchStrategy[list[str]]:
    return st.sampled_from(names).map(lambda name: [f"--{name}"])


small = st.integers(-1, 12)
number = st.floats() | st.floats(-3, 3)
some_heads = st.lists(small | st.sampled_from(["0-2", "all", "x", ""]), min_size=1, max_size=2).map(
    lambda one: ",".join(map(str, one))
)
SHARED = [
    option("heads", small),
    option("dim", st.integers(-1, 24)),
    option("seed", st.integers()),
    option("tokenizer", st.sampled_from(Tokenizer)),
    option("position", st.sampled_from(Position)),
    option("scale", number),
    option("window", small | st.integers()),
    option("softcap", number),
    option("query-offset", small | st.integers()),
    option("dtype", st.sampled_from(Dtype)),
    option("backend", st.sampled_from(["numpy", "torch"])),
    option("layer", some_heads),
    option("head", some_heads),
    flags("project", "causal", "no-causal", "no-scale"),
]
EXPLAIN = [
    option("step", st.sampled_from(Step)),
    option("query", st.sampled_from(["a", "0", "3", "x"])),
    option("key", st.sampled_from(["b", "1", "", "-1"])),
    option("precision", st.integers(-1, 18)),
    option("max-tokens", st.integers(1, 20)),
    option("lang", st.sampled_from(Language)),
    flags("quiet", "lines"),
]
HEATMAP = [
    option("step", st.sampled_from(DrawnStep)),
    option("compare", st.sampled_from(Comparison)),
    option("vmin", number),
    option("vmax", number),
    option("width", st.integers(19, 200)),
    option("title", ANYTHING),
    option("cmap", st.sampled_from(["magma", "RdBu", "tab10", "none-such"])),
    option("dpi", st.integers(19, 40)),
    flags("show", "annotate", "no-annotate"),
]
words = st.sampled_from(["a b c", "a", "Your journey starts with one step", "注意 👍🏽 a a"])


def some(*options: st.SearchStrategy[list[str]]) -> st.SearchStrategy[list[str]]:
    return st.lists(st.one_of(*options), max_size=6).map(lambda chosen: [*chain(*chosen)])


@pytest.mark.slow
@settings(max_examples=150)
@given(text=words, options=some(*SHARED, *EXPLAIN), form=st.sampled_from(FORMATS))
def test_any_options_of_explain(text, options, form):
    assert_told(attnviz("explain", text, "--format", form, *options), 0, 1, 2)


@pytest.mark.slow
@settings(max_examples=60)
@given(text=words, options=some(*SHARED, *HEATMAP), form=st.sampled_from(["term", "term", "svg", "png"]))
def test_any_options_of_heatmap(text, options, form):
    result = attnviz("heatmap", text, "-o", "-", "--format", form, "--dpi=20", *options)
    assert result.code in (0, 1, 2)
    assert b"\x1b" not in result.stdout or form == "png"
    assert result.code or form == "term" or result.stdout.startswith({"png": b"\x89PNG", "svg": b"<?xml"}[form])
    assert result.code or form != "term" or "rows: query, columns: key" in result.text
    assert result.code == 0 or result.stderr.startswith("attnviz: ")


ACROSS = [
    option("across", st.sampled_from(["flow", "rollout"])),
    option("heads-as", st.sampled_from(HeadsAs)),
    option("residual", st.sampled_from(["0", "0.5", "1", "1.5", "-1", "nan", "a"])),
]


@pytest.mark.slow
@settings(max_examples=60)
@given(
    text=words,
    command=st.sampled_from(["heatmap", "stats"]),
    options=some(*SHARED, *ACROSS),
    form=st.sampled_from(["term", "csv", "json", "table"]),
)
def test_any_options_of_what_is_followed_across_layers(text, command, options, form):
    assert_told(attnviz(command, text, "--across", "rollout", "--format", form, *options), 0, 1, 2)


def spans(last: int) -> st.SearchStrategy[str]:
    """A:B, most of them of a few positions, some empty, backwards, or beyond the text."""
    place = st.integers(0, last).map(str) | st.just("")
    return st.builds("{}:{}".format, place, place)


REGION = [option("query", spans(8)), option("key", spans(8)), option("pool", st.sampled_from(["mean", "max"]))]
COMMANDS = {
    "explain": (EXPLAIN, [*FORMATS]),
    "heatmap": ([*HEATMAP[:5], *HEATMAP[8:], *REGION], ["term", "svg"]),
    "stats": ([*REGION, option("sort", st.sampled_from(Metric)), option("near", small)], ["table", "json", "csv"]),
    "html": (REGION, ["html"]),
}
OF_FILES = [option("layer", some_heads), option("head", some_heads), option("dtype", st.sampled_from(Dtype))]


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
@settings(max_examples=60, deadline=None)
@given(case=attention_cases(), data=st.data())
def test_any_arrays_with_any_options_of_a_command(command, case, data, tmp_path_factory):
    """Arrays of any rule, some tokens special: a result that can be read, or one clear line."""
    folder = tmp_path_factory.getbasetemp()
    numpy.savez(folder / "arrays.npz", query=case.query, key=case.key, value=case.value, **arrays_of(case))
    source = ("--from", str(folder / "arrays.npz"), *rule_of(case))
    if data.draw(st.booleans()):
        saved = attnviz("explain", *source, "-o", str(folder / "t.safetensors"))
        if saved.code == 0:
            trace = load(folder / "t.safetensors")
            count = len(trace.tokens)
            special = data.draw(st.lists(st.integers(0, count - 1), unique=True))
            replace(trace, source={**trace.source, "ids": list(range(count)), "special": special}).save(
                folder / "t.safetensors"
            )
            source = ("--from", str(folder / "t.safetensors"), "--skip-special")
    options, forms = COMMANDS[command]
    chosen, form = data.draw(some(*options, *OF_FILES)), data.draw(st.sampled_from(forms))
    result = attnviz(command, *source, *([] if command == "html" else ["--format", form]), *chosen, "-o", "-")
    assert result.code in (0, 1, 2), result
    assert result.code == 0 or result.stderr.startswith("attnviz: "), result
    if result.code == 0:
        READ[form](result.stdout)


READ = {
    "json": lambda content: [json.loads(line) for line in content.splitlines()],
    "csv": lambda content: list(csv.reader(io.StringIO(content.decode()), strict=True)),
    "svg": ElementTree.fromstring,
    "html": lambda content: re.search("</(html|div)>\n*$", content.decode())[0],
    "table": bytes.decode,
    "markdown": bytes.decode,
    "latex": bytes.decode,
    "term": bytes.decode,
}


def arrays_of(case: Case) -> dict[str, numpy.ndarray]:
    return {name: value for name, value in case.options.items() if isinstance(value, numpy.ndarray)}


def rule_of(case: Case) -> list[str]:
    """The numbers of the rule, as options."""
    words = []
    for name, value in case.options.items():
        if name == "causal":
            words += ["--causal"] if value else []
        elif value is not None and not isinstance(value, numpy.ndarray):
            words.append(f"--{name.replace('_', '-')}={value}")
    return words
