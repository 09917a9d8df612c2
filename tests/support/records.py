"""Traces as JSON and CSV, read back."""

from __future__ import annotations

import csv
import io
import json
import math

import numpy
import pytest

from attnviz.renderers.data.csv_format import csv_header, to_csv
from attnviz.renderers.data.json_format import to_json
from attnviz.trace.selection import select


def parsed(trace, selection=None, **words):
    return json.loads(b"".join(to_json(trace, selection or select(trace, **words))), parse_constant=pytest.fail)


def numbers(listed, dtype="float64"):
    """Nested lists as an array, null as −∞."""
    return numpy.array([[-math.inf if cell is None else cell for cell in row] for row in listed], dtype)


def rows_of(trace, **words):
    """The rows of the CSV as dicts."""
    text = csv_header() + to_csv(trace, select(trace, **words))
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))
