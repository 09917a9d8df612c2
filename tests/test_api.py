"""The public calls: each joins a source, an analysis and a renderer, with the names and defaults of the command line."""

from __future__ import annotations

import inspect
import re
from importlib import import_module
from typing import get_type_hints

import numpy
import pytest
from command_line import attnviz as run

from attnviz import AttnvizError, Trace, api, trace_text
from attnviz.cli.options.across import AcrossOptions
from attnviz.cli.options.direction import DirectionOptions
from attnviz.cli.options.engine import EngineOptions
from attnviz.cli.options.explain import TableOptions
from attnviz.cli.options.generate import WritingOptions
from attnviz.cli.options.heatmap import PictureOptions
from attnviz.cli.options.html import PageOptions
from attnviz.cli.options.model import LoadOptions
from attnviz.cli.options.on_image import OnImageOptions, PageImageOptions
from attnviz.cli.options.selection import PartOptions, RegionOptions, SpecialOptions, WordsOptions

TEXT = "Your journey starts"
TRACE = trace_text(TEXT, heads=2, causal=True)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_trace_model_takes_a_model_or_where_it_is(model_folder):
    from tiny_models import model, tokenizer

    by_folder = api.trace_model(str(model_folder), TEXT, layer=1)
    loaded = api.trace_model(model("Llama"), TEXT, tokenizer=tokenizer(), layer="0-1")
    assert [layer.index for layer in by_folder.layers] == [1]
    assert [layer.index for layer in loaded.layers] == [0, 1]
    assert numpy.allclose(by_folder.layers[0].query, loaded.layers[1].query)


def test_explain_prints_what_the_command_prints():
    shown = str(TRACE.explain(head=1, step="weights", precision=2, quiet=True, language="vi"))
    options = ("--head", "1", "--step", "weights", "--precision", "2", "-q", "--lang", "vi")
    assert shown == run("explain", TEXT, "--heads", "2", "--causal", *options).text


def test_explain_takes_positions_as_numbers_and_steps_as_a_list():
    assert "`starts` looks at `Your`" in str(TRACE.explain(query=2, key=0, head=0))
    shown = str(TRACE.explain(step=["scores", "weights"], head=[0]))
    assert "scores = Q Kᵀ" in shown
    assert "Output" not in shown


def test_heatmap_is_what_the_command_draws(folder):
    drawing = TRACE.heatmap("mine.png", title="A title", annotate=True, dpi=50)
    run("heatmap", TEXT, "--heads", "2", "--causal", "--title", "A title", "--annotate", "--dpi", "50", "-o", "its.png")
    assert (folder / "mine.png").read_bytes() == (folder / "its.png").read_bytes() == drawing._repr_png_()


@pytest.mark.parametrize("side", ["query", "key"])
@pytest.mark.some(1)
def test_a_token_a_position_and_a_range_mean_the_same_in_every_call(side):
    for call in (TRACE.explain, TRACE.to_html, lambda **words: TRACE.heatmap(**words)._repr_png_()):
        shown = {str(call(**{side: word})) for word in ("starts", 2, "@2", "2:3")}
        assert len(shown) == 1
        assert shown != {str(call())}


def test_html_is_what_the_command_writes():
    page = TRACE.to_html(head=0, language="vi")
    options = ("--head", "0", "--lang", "vi", "-o", "-")
    assert page == run("html", TEXT, "--heads", "2", "--causal", *options).text


def test_a_notebook_gets_a_frame():
    assert TRACE._repr_html_().startswith("<iframe ")
    assert api.notebook_frame(TRACE) == TRACE._repr_html_()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: TRACE.explain(language="de"), "language is 'de': .*en, vi"),
        (lambda: TRACE.explain(step="wieghts"), "step is 'wieghts': .*embeddings, "),
        (lambda: TRACE.heatmap(step="output"), "step is 'output': .*scores, scaled, masked, weights"),
        (lambda: TRACE.heatmap(pool="median"), "pool is 'median': .*mean, max"),
        (lambda: TRACE.to_html(language="de"), "language is 'de': .*en, vi"),
        (lambda: TRACE.to_html(max_size=0.1), "the page would take"),
    ],
)
def test_a_word_that_is_none_is_told_with_those_there_are(call, message):
    with pytest.raises(AttnvizError, match=message):
        call()


# A public call has the options of its command that say what is shown and how, not those that say where from and where to.
OTHER_NAMES = {"lang": "language"}
OF_THE_COMMAND_ALONE = {"output", "format", "show", "open", "no_pager"}
GROUPS = {
    "explain": (PartOptions, SpecialOptions, WordsOptions, RegionOptions, DirectionOptions, TableOptions),
    "heatmap": (
        PartOptions,
        SpecialOptions,
        WordsOptions,
        RegionOptions,
        DirectionOptions,
        AcrossOptions,
        PictureOptions,
        OnImageOptions,
    ),
    "html": (PartOptions, SpecialOptions, WordsOptions, RegionOptions, DirectionOptions, PageOptions, PageImageOptions),
}


def defaults_of(groups):
    """The options of ``groups``, those that they extend included, and their defaults."""
    for group in groups:
        for base in group.__mro__[:-1]:
            for field in vars(base).get("__annotations__", {}):
                yield field, getattr(group, field)


@pytest.mark.parametrize("name", GROUPS)
def test_a_call_has_the_names_and_the_defaults_of_its_command(name):
    options = {OTHER_NAMES.get(field, field): default for field, default in defaults_of(GROUPS[name])}
    parameters = inspect.signature(getattr(api, name)).parameters
    defaults = {parameter.name: parameter.default for parameter in parameters.values()}
    del defaults["trace"]
    assert (defaults.pop("path", None), defaults.pop("axes", None)) == (None, None)
    assert defaults == {field: default for field, default in options.items() if field not in OF_THE_COMMAND_ALONE}


def test_generate_has_the_names_and_the_defaults_of_its_command():
    groups = (WritingOptions, LoadOptions, EngineOptions)
    options = dict(defaults_of(groups))
    del options["model"], options["backend"]  # which model is the first argument; a model runs in torch
    parameters = inspect.signature(api.generate).parameters
    defaults = {parameter.name: parameter.default for parameter in parameters.values()}
    assert (defaults.pop("model"), defaults.pop("text")) == (inspect.Parameter.empty, inspect.Parameter.empty)
    assert defaults.pop("tokenizer") is None  # of a model that is loaded already
    assert defaults == options
    taken = get_type_hints(import_module("attnviz.cli.commands.generate").generate).values()
    assert set(groups) <= set(taken)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tokens": 0}, "tokens is 0: expected a whole number, 1 or more"),
        ({"alternatives": 0}, "alternatives is 0"),
        ({"temperature": 0}, "temperature is 0: expected a number from 0.01 to 100"),
        ({"top_k": 1.5}, "top_k is 1.5: expected a whole number, 1 or more"),
        ({"top_p": 2}, "top_p is 2: expected a number from 0.001 to 1"),
        ({"seed": -1}, "seed is -1"),
    ],
)
def test_generate_says_what_it_cannot_do_before_it_loads_a_model(options, message):
    with pytest.raises(AttnvizError, match=message):
        api.generate("nowhere", TEXT, **options)


def test_generate_writes_with_a_model_that_is_loaded_or_named(model_folder):
    from tiny_models import model, tokenizer  # torch, which no other test here needs

    named = api.generate(model_folder, TEXT, 2)
    loaded = api.generate(model("Llama"), TEXT, 2, tokenizer=tokenizer())
    assert named.generation == loaded.generation
    assert named.generation.prompt == TEXT


@pytest.mark.parametrize("name", GROUPS)
def test_the_groups_are_those_that_the_command_takes(name):
    taken = get_type_hints(getattr(import_module(f"attnviz.cli.commands.{name}"), name)).values()
    assert set(GROUPS[name]) <= set(taken)


@pytest.mark.parametrize(("name", "method"), [("explain", "explain"), ("heatmap", "heatmap"), ("html", "to_html")])
def test_the_help_of_a_method_names_its_options(name, method):
    options = set(inspect.signature(getattr(api, name)).parameters) - {"trace"}
    words = set(re.findall(r"``(\w+)``", inspect.getdoc(getattr(Trace, method))))
    assert options <= words
    assert words - options <= {"print"}
