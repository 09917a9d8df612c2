"""What a layer started from fits the layer, before any look takes it for granted."""

from __future__ import annotations

from dataclasses import replace

import numpy
import pytest
from traces_of_all_kinds import normal, self_layer

from attnviz.errors import AttnvizError
from attnviz.trace.known_parts import require_known_parts_fit
from attnviz.trace.projection import Projection

GOOD = self_layer().projections
NAN = numpy.full((3, 8), numpy.nan)


def test_what_fits_is_taken_whatever_of_it_is_known():
    layer = self_layer()
    for known in (
        {},
        {"embeddings": None},
        {"positions": None},
        {"embeddings": None, "positions": None, "projections": {}},
        {"projections": {"output": GOOD["output"]}},
        {"embeddings": None, "projections": {"query": Projection(normal(5, 8))}},
    ):
        require_known_parts_fit(replace(layer, **known))


@pytest.mark.parametrize(
    ("known", "message"),
    [
        ({"embeddings": normal(3)}, "embeddings has the shape (3,), expected (3, d)"),
        ({"embeddings": normal(4, 8)}, "embeddings has the shape (4, 8), expected (3, d)"),
        ({"embeddings": normal(1, 3, 8)}, "embeddings has the shape (1, 3, 8), expected (3, d)"),
        ({"embeddings": numpy.ones((3, 0))}, "embeddings is empty: its shape is (3, 0)"),
        ({"embeddings": NAN}, "embeddings is not finite: nan at token 0, dimension 0"),
        ({"embeddings": None, "positions": normal(2, 8)}, "positions has the shape (2, 8), expected (3, d)"),
        ({"positions": normal(3, 7)}, "positions has 7 dimensions but embeddings has 8"),
        ({"positions": NAN}, "positions is not finite: nan at token 0, dimension 0"),
        ({"projections": {"query": Projection(normal(8))}}, "the query weights have the shape (8,), expected (8, 8)"),
        (
            {"projections": {"query": Projection(normal(7, 8))}},
            "the query weights have the shape (7, 8), expected (8, 8)",
        ),
        ({"projections": {"key": Projection(normal(8, 5))}}, "the key weights have the shape (8, 5), expected (8, 4)"),
        (
            {"projections": {"value": Projection(normal(8, 9))}},
            "the value weights have the shape (8, 9), expected (8, 10)",
        ),
        (
            {"projections": {"output": Projection(normal(8, 8))}},
            "the output weights have the shape (8, 8), expected (20, d)",
        ),
        (
            {"projections": {"key": Projection(normal(8, 4), normal(3))}},
            "the key bias has the shape (3,), expected (4,)",
        ),
        (
            {"projections": {"key": Projection(normal(8, 4), NAN[0, :4])}},
            "the key bias is not finite: nan at dimension 0",
        ),
    ],
    ids=range(15),
)
def test_what_does_not_fit_is_named(known, message):
    with pytest.raises(AttnvizError) as error:
        require_known_parts_fit(replace(self_layer(), **known))
    assert error.value.message == message
