"""Reading what explain tells: which message a sentence is, which numbers a table holds."""

from __future__ import annotations

import re

import numpy
import pytest

from attnviz import attend
from attnviz.choices import Language, Step
from attnviz.renderers.explain.document import Heading, Section
from attnviz.text.lessons import lessons

LANGUAGES = pytest.mark.parametrize("lang", ["en", "vi"])


EVERYTHING = {"max_tokens": 100, "precision": 5}


def say(name, lang="en", **values):
    return lessons(Language(lang)).say(name, **values)


def found(name, lang, sentences):
    """The values that stand in the placeholders of the message ``name``, for each of ``sentences`` that says it."""
    pattern, seen = "", set()
    for word in re.split(r"(\{\w+\})", lessons(Language(lang)).messages[name]):
        place = word[1:-1]
        pattern += re.escape(word) if word[:1] != "{" else f"(?P={place})" if place in seen else f"(?P<{place}>.+?)"
        seen.add(place)
    return [match.groupdict() for match in (re.fullmatch(pattern, one) for one in sentences) if match]


def steps_of(section, lang):
    """The step that a section shows; None of one that tells how a rotation turns them."""
    return next((step for step in Step if say(f"title.{step.value}", lang) == section.title), None)


def parsed(matrix, skip_last=False):
    rows = [cells[:-1] if skip_last else cells for cells in matrix.cells]
    return numpy.array([[float(cell.replace("−∞", "-inf").replace("·", "0")) for cell in row] for row in rows])


def same(written, values, precision=5):
    """Whether ``written`` is ``values``, rounded as numbers are written."""
    seen = numpy.isfinite(values)
    scale = numpy.abs(values[seen]).max(initial=1.0)
    exponents = numpy.abs(values[seen]).max(initial=0.0) < 10.0**-precision or scale >= 1e7
    slack = scale * 10.0 ** (1 - precision) if exponents else 0.5 * 10.0**-precision
    return written.shape == values.shape and numpy.allclose(
        written, values, rtol=0, atol=slack + 2e-9 * scale, equal_nan=False
    )


def by_head(parts):
    """The sections before the heads, those of each head, those after them."""
    groups = [[]]
    for part in parts:
        if isinstance(part, Heading) and part.level == 3:
            groups.append([])
        elif isinstance(part, Section):
            groups[-1].append(part)
    return groups


def attended(trace):
    layer = trace.layers[0]
    return attend(layer.query, layer.key, layer.value, **vars(layer.rule))
