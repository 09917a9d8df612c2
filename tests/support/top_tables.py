"""Reading the tables of long texts."""

from __future__ import annotations

import numpy

from attnviz.renderers.explain.document import Section


def sections(parts):
    return [part for part in parts if isinstance(part, Section)]


def places(matrix):
    """The positions that a table's labels name, without the row of all others."""
    return [int(label.split("@")[1]) for label in matrix.rows if "@" in label]


def written(matrix, column=-1):
    return numpy.array([float(row[column]) for row in matrix.cells])
