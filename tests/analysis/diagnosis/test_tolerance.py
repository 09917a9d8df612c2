"""Rounding stays within what it is allowed, and not far below."""

from __future__ import annotations

import numpy
import pytest
import torch
from correct_attention import eager, in_blocks, scaled_query
from diagnosed import evidence_of
from planted_attention import problem

from attnviz.analysis.diagnosis.arithmetic import ARITHMETICS
from attnviz.analysis.diagnosis.recipe import Rounded
from attnviz.analysis.diagnosis.tolerance import tolerance


@pytest.mark.parametrize("name", ["float32", "float16", "bfloat16"])
def test_correct_numbers_are_within_and_some_come_near(name):
    parts = []
    meant = problem(numpy.random.default_rng(0), getattr(torch, name))
    for way in (eager, in_blocks, scaled_query):
        evidence = evidence_of(meant, way(meant).float())
        evidence.arithmetic = ARITHMETICS[name]
        parts.append(float(evidence.judged.apart.max()))
    assert max(parts) <= 1
    assert max(parts) > 0.05


def test_rounded_weights_may_fall_to_either_side_of_a_tie():
    meant = problem(numpy.random.default_rng(0))
    evidence = evidence_of(meant, eager(meant))
    recipe = evidence.meant.but(rounded=Rounded(weights=8))
    assert (tolerance(recipe, evidence.view, evidence.arithmetic) >= 0).all()


def test_angles_of_a_rotation_are_rounded_too():
    meant = problem(numpy.random.default_rng(0), rope=True, softcap=True)
    evidence = evidence_of(meant, eager(meant))
    turned, still = (
        tolerance(one, evidence.view, evidence.arithmetic)
        for one in (evidence.meant, evidence.meant.but(turn_query=(), turn_key=()))
    )
    assert turned.mean() > still.mean() * 0.5
