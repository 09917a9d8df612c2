"""The sections of a head: each with attend()'s own numbers and the formula of its step."""

from __future__ import annotations

import math

import numpy
import pytest

from attnviz.choices import Step
from attnviz.renderers.explain.document import Section
from tests.support.explained import EVERYTHING, LANGUAGES, attended, by_head, found, parsed, same, say, steps_of


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
        if layer.rotation is not None:  # told before they are turned: see test_turning.py
            arrays |= {side: layer.rotation.turned_back(arrays[side][None])[0] for side in ("query", "key")}
        arrays |= {"embeddings": layer.embeddings, "positions": layer.positions, "inputs": layer.inputs}
        for section in sections:
            step = steps_of(section, lang)
            if step is None:
                continue
            if step is Step.PROJECTED:
                assert same(parsed(section.matrices[1]), layer.projected(layer.concat(steps.output)))
            elif step is Step.MASKED and not section.matrices:  # it is the table above
                assert numpy.array_equal(arrays["masked"], arrays["scaled"])
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
    first, section = (group[0] for group in by_head(told(trace, step=["projections"]))[1:])
    assert say("projections.bias") in first.sentences
    assert section.sentences == []  # each stands once
    for matrix, name in zip(section.matrices, ("query", "key", "value"), strict=True):
        projection = trace.layers[0].projections[name]
        assert matrix.rows[-1] == "bias"
        assert same(parsed(matrix), numpy.vstack([projection.weight, projection.bias])[:, 4:8], 4)


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


def test_only_rotated_queries_and_keys_are_said_to_be_rotated_where_they_are_shown_so(told, traces):
    for name in ("rope", "four heads", "sinusoidal"):
        words = {"head": ["0"], "step": ["query", "key", "value"]} if name != "sinusoidal" else {}
        for section in (part for part in told(traces[name](), **words) if isinstance(part, Section)):
            rotated = {say("query.rotated"), say("key.rotated")} & set(section.sentences)
            assert bool(rotated) == (name == "rope" and section.title in ("Query", "Key"))
            assert say("rotation.unknown") not in section.sentences


def test_queries_are_left_out_only_where_the_inputs_that_they_are_stand_above(told, traces):
    trace = traces["sinusoidal"]()
    for steps, shown in ((["embeddings", "query"], ["Embeddings", "Query"]), (["inputs", "query"], ["Inputs"])):
        assert [part.title for part in told(trace, step=steps) if isinstance(part, Section)] == shown
