"""Mistakes of the scale."""

from __future__ import annotations

import pytest
from diagnosed import nearest, of_family, planted_cases, require_shapes


@pytest.mark.parametrize(
    ("name", "bug"), of_family(("scale", "exp2", "width")), ids=lambda one: getattr(one, "__name__", one)
)
def test_it_computes_what_code_with_the_mistake_computes(name, bug):
    (meant, output), *_ = planted_cases(name, bug, 1)
    assert nearest(name, meant, output) <= 1


def test_each_can_be_computed():
    require_shapes("scaling")
