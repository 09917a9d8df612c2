"""Which arithmetic an output is of."""

from __future__ import annotations

import numpy
import pytest
import torch

from attnviz import AttnvizError
from attnviz.analysis.diagnosis.arithmetic import arithmetic_named, arithmetic_of

DRAWN = torch.randn(64, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


@pytest.mark.parametrize("kind", ["float64", "float32", "float16", "bfloat16"])
def test_numbers_saved_as_something_wider_are_known_by_their_grid(kind):
    saved = DRAWN.to(getattr(torch, kind)).double().numpy()
    assert arithmetic_of(saved, "float64").name == kind


def test_what_is_declared_is_never_widened():
    assert arithmetic_of(DRAWN.numpy(), "float16").name == "float16"


def test_a_few_simple_numbers_lie_on_every_grid_and_say_nothing():
    assert arithmetic_of(numpy.array([0.5, 1.0, numpy.nan]), "float64").name == "float32"


def test_its_unit_is_torchs():
    for name in ("float64", "float32", "float16", "bfloat16"):
        assert arithmetic_named(name).unit == torch.finfo(getattr(torch, name)).eps / 2


def test_an_unknown_name_is_refused():
    with pytest.raises(AttnvizError, match="expected one of"):
        arithmetic_named("float8")
