"""The rows of many texts as arrays: they come back as they were, or not at all."""

from __future__ import annotations

import numpy
import pytest
from made_corpora import TEXTS, measured

from attnviz.analysis.corpus import Statistics
from attnviz.analysis.corpus.by_text import MeasuredLayer, TextRows
from attnviz.analysis.corpus.by_text_arrays import ABOUT, VALUES, rows_arrays, rows_of
from attnviz.analysis.corpus.state_file import unpacked
from attnviz.analysis.metrics import Metric
from attnviz.errors import AttnvizError

EVERY = [measured([number], layers=1 + number % 2).rows() for number in range(TEXTS)]
METRICS = len(Metric)


def same(found, expected):
    assert [(one.name, one.tokens) for one in found] == [(one.name, one.tokens) for one in expected]
    for mine, other in zip(found, expected, strict=True):
        assert [layer[:3] for layer in mine.layers] == [layer[:3] for layer in other.layers]
        for one, two in zip(mine.layers, other.layers, strict=True):
            assert one.values.tobytes() == two.values.astype(float).tobytes()  # NaN, too


def test_every_number_comes_back_to_the_last_bit():
    assert any(numpy.isnan(layer.values).any() for text in EVERY for layer in text.layers)
    same(rows_of(rows_arrays(EVERY), METRICS), EVERY)


def test_names_of_any_characters_and_all_heads_as_one_come_back():
    text = TextRows('dòng \ud800\n"1"', 2, (MeasuredLayer("[layer] 0", 0, (None,), numpy.array([[1.5], [numpy.nan]])),))
    same(rows_of(rows_arrays([text]), 2), [text])


def test_no_texts_are_no_rows():
    assert rows_of(rows_arrays([]), METRICS) == []


def test_a_file_of_statistics_holds_them_beside_its_own():
    statistics = measured(range(TEXTS))
    plain = statistics.to_bytes()
    statistics.of_texts = EVERY
    content = statistics.to_bytes()
    same(rows_of(unpacked(content, "a").arrays, METRICS), EVERY)
    assert Statistics.from_bytes(content, "a").to_bytes() == plain  # which reads past them


def _without(name):
    return {key: value for key, value in rows_arrays(EVERY).items() if key != name}


def _with(name, value):
    return rows_arrays(EVERY) | {name: value}


def _about(text):
    return _with(ABOUT, numpy.frombuffer(text, "u1"))


@pytest.mark.parametrize(
    "arrays",
    [
        {},
        _without(ABOUT),
        _without(VALUES),
        _with(VALUES, rows_arrays(EVERY)[VALUES][:-1]),
        _with(VALUES, numpy.append(rows_arrays(EVERY)[VALUES], 0.0)),
        _about(b"{"),
        _about(b"[]"),
        _about(b"[" * 100_000),
        _about(b'{"texts": [["a", 1, 7]], "layers": []}'),
        _about(b'{"texts": [["a", 1]], "layers": [[]]}'),
        _about(b'{"texts": [["a", 1, 0]], "layers": [[["layer 0", 0, 3]]]}'),
    ],
    ids=range(11),
)
def test_what_is_missing_or_damaged_is_told(arrays):
    with pytest.raises(AttnvizError, match="its rows of texts are missing or damaged"):
        rows_of(arrays, METRICS)
