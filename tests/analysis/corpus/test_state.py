"""Statistics of parts of a corpus: merged in any order, saved and read again, and refused where they do not belong together."""

from __future__ import annotations

import json
from pathlib import Path

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_corpora import TEXTS, measured, text, values
from numpy.testing import assert_allclose
from safetensors.numpy import load, save

from attnviz.analysis.corpus import Statistics
from attnviz.analysis.corpus.state_file import _checksum
from attnviz.analysis.head_names import HeadName
from attnviz.analysis.metrics import Metric
from attnviz.choices import MeasuredStep, Pool
from attnviz.errors import AttnvizError
from attnviz.renderers.stats.head_json import to_json
from attnviz.trace.selection import select

OPTIONS = {"quantiles": (0.1, 0.5), "top_texts": 2}


@pytest.fixture(scope="module")
def kept():
    return values(range(TEXTS))


@pytest.fixture(scope="module")
def singles():
    return [measured([number], **OPTIONS) for number in range(TEXTS)]


def as_told(statistics: Statistics) -> dict:
    return json.loads(to_json(statistics, None))


@settings(max_examples=25, deadline=None)
@given(st.permutations(range(TEXTS)), st.randoms(use_true_random=False))
def test_merging_in_any_order_and_grouping_is_one_pass_over_all_texts(kept, singles, order, random):
    parts = [singles[number] for number in order] + [Statistics(**OPTIONS)]
    while len(parts) > 1:
        one = parts.pop(random.randrange(len(parts)))
        place = random.randrange(len(parts))
        parts[place] = parts[place].merged(one)
    whole = parts[0]
    assert (whole.texts, whole.tokens) == (TEXTS, sum(len(text(number).tokens) for number in range(TEXTS)))
    assert whole.error == pytest.approx((TEXTS - 1) * 1e-7)
    for place, head in enumerate(whole.heads()):
        layer, column = divmod(place, 2)
        assert (head.number, head.head) == (layer, column)
        for row, metric in enumerate(Metric):
            all_of_it = kept[:, layer, row, column]
            known = all_of_it[~numpy.isnan(all_of_it)]
            value = head.values[metric]
            assert value.count == len(known)
            assert_allclose(value.mean, known.mean(), rtol=1e-12, atol=1e-14)
            assert_allclose(value.deviation, known.std(ddof=1), rtol=1e-12, atol=1e-12)
            exact = numpy.quantile(known, OPTIONS["quantiles"], method="inverted_cdf")
            assert_allclose(head.quantiles[metric], exact, rtol=1e-6)  # float32
            assert [one.value for one in head.top[metric]] == sorted(known, reverse=True)[:2]
            assert all(all_of_it[int(one.name.removeprefix("line "))] == one.value for one in head.top[metric])


def test_merging_is_one_pass_for_names_and_all_that_is_told_beside(singles):
    whole = measured(range(TEXTS), **OPTIONS)
    merged = singles[4]
    for number in (2, 8, 0, 1, 3, 7, 5, 6):
        merged = singles[number].merged(merged)
    one, other = as_told(whole), as_told(merged)
    for mine, theirs in zip(one.pop("heads"), other.pop("heads"), strict=True):
        assert [name["name"] for name in mine["names"]] == [name["name"] for name in theirs["names"]]
        for metric in Metric:
            both = [head["metrics"][metric.value] for head in (mine, theirs)]
            texts = [[text["text"] for text in told.pop("top_texts")] for told in both]
            assert texts[0] == texts[1]
            quantiles = [told.pop("quantiles") for told in both]
            assert quantiles[0] == quantiles[1]
            assert_allclose(*[list(map(float, told.values())) for told in both], rtol=1e-12, atol=1e-12)
    assert one == other


def test_layers_that_only_some_texts_have_are_all_there():
    few, many = measured([3], layers=1), measured([4], layers=2)
    for merged in (few.merged(many), many.merged(few)):
        assert [(head.layer, head.values[Metric.MASS].count) for head in merged.heads()] == [
            *[("layer 0", 2)] * 2,
            *[("layer 1", 1)] * 2,
        ]


def test_what_is_counted_beside_the_numbers_is_merged():
    one, other = measured([3]), measured([4])
    one.skip("too long", "line 7")
    other.skip("too long", "line 9")
    other.partial = True
    trace = text(5)
    other.add(trace, select(trace, key="0:2").as_region())
    both = one.merged(other)
    assert (both.skipped, both.partial, both.texts) == (2, True, 3)
    assert both.regions == {(None, range(2))}
    assert both.left_out == other.left_out
    assert both.model == "made-up"


@pytest.mark.parametrize(
    ("theirs", "message"),
    [
        ({"near": 3}, "near is 8 in one and 3 in the other"),
        ({"pool": Pool.MAX}, "pool is mean in one and max in the other"),
        ({"metrics": (Metric.FIRST,)}, "metrics is"),
        ({"thresholds": {HeadName.INDUCTION: 0.2}}, "threshold.induction is 0.5 in one and 0.2 in the other"),
        ({"quantiles": (0.5,)}, "quantiles is false in one and true in the other"),
        ({"top_texts": 1}, "top_texts is 0 in one and 1 in the other"),
        ({"step": MeasuredStep.CONTRIBUTION}, "step is weights in one and contribution in the other"),
    ],
)
def test_what_was_measured_otherwise_is_refused(theirs, message):
    with pytest.raises(AttnvizError, match=message):
        measured([3]).merged(Statistics(**theirs))


def test_other_heads_and_directions_are_refused():
    one, trace = measured([3]), text(4)
    some, toward = Statistics(), measured([4])
    some.add(trace, select(trace, head=["1"]))
    with pytest.raises(AttnvizError, match=r"head is \[0, 1\] in one and \[1\] in the other"):
        one.merged(some)
    toward.toward = "cat"
    with pytest.raises(AttnvizError, match='toward is "" in one and cat in the other'):
        one.merged(toward)


@pytest.mark.parametrize(
    "options", [{}, OPTIONS, {"pool": Pool.MAX, "metrics": (Metric.FIRST, Metric.NEAR), "top_texts": 3}]
)
def test_what_is_saved_is_read_again(options):
    statistics = measured(range(4), **options)
    statistics.skip("why", "line 9")
    trace = text(5)
    statistics.add(trace, select(trace, query="1:", key="0:2").as_region())
    statistics.asked, statistics.weights, statistics.toward = {"layer": ["0-1"]}, "ab12", "cat"
    content = statistics.to_bytes()
    again = Statistics.from_bytes(content, "a.stats")
    assert again.to_bytes() == content
    assert as_told(again) == as_told(statistics)
    assert (again.asked, again.weights, again.toward) == (statistics.asked, "ab12", "cat")


def test_nothing_is_saved_and_merged_as_nothing():
    empty = Statistics.from_bytes(Statistics().to_bytes(), "a.stats")
    assert (empty.texts, empty.heads(), empty.model) == (0, [], "")
    assert empty.merged(empty).texts == 0


def test_more_texts_are_added_to_what_was_read():
    begun = Statistics.from_bytes(measured([1, 2, 3], **OPTIONS).to_bytes(), "a.stats")
    trace = text(4)
    begun.add(trace, select(trace), name="line 4")
    whole = measured([1, 2, 3, 4], **OPTIONS)
    assert as_told(begun) == as_told(whole)


def test_quantiles_of_other_shares_can_be_told_later():
    statistics = measured(range(1, 6), quantiles=(0.5,))
    statistics.show_quantiles([1.0, 0.0])
    found = statistics.heads()[0].quantiles[Metric.ENTROPY]
    kept = values(range(1, 6))[:, 0, 0, 0]
    assert_allclose(found, [kept.min(), kept.max()], rtol=1e-6)
    with pytest.raises(AttnvizError, match="no quantiles were kept"):
        measured([1]).show_quantiles([0.5])


def _changed(content: bytes, change) -> bytes:
    """A file that somebody else has written: its record is changed, and its checksum fits."""
    arrays = load(content)
    length = int.from_bytes(content[:8], "little")
    metadata = json.loads(content[8 : 8 + length])["__metadata__"]
    record = json.loads(metadata["statistics"])
    change(record, arrays)
    text = json.dumps(record)
    return save(arrays, metadata | {"statistics": text, "sha256": _checksum(text, arrays)})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda record, _: record.pop("near"), "it lacks near"),
        (lambda record, _: record.update(texts=-1), "texts is -1, expected a whole number, 0 or more"),
        (lambda record, _: record.update(metrics=["first", "psychic"]), "metrics has psychic, which this attnviz does not know"),
        (lambda record, _: record["layers"].append(record["layers"][0]), "expected a list of layers, each once"),
        (lambda record, _: record["layers"][0].update(heads=[0, 0]), "expected a list of heads, each once"),
        (lambda record, _: record["layers"][0].update(heads=[0]), r"layers.0.metrics.count is missing, or of another shape"),
        (lambda record, _: record.update(regions=[[[0, 1]]]), "expected two ranges"),
        (lambda record, _: record.update(regions=[[[0, 1, 2], None]]), "expected two positions or null"),
        (lambda record, _: record.update(kind="effects"), "it holds statistics of effects, and those of weights are read here"),
        (lambda record, _: record.update(texts=1), "layers.0.metrics holds numbers that cannot be"),
        (lambda _, arrays: arrays.pop("left_out.means"), "left_out.means is missing, or of another shape"),
        (lambda _, arrays: arrays["layers.0.metrics.means"].fill(numpy.nan), "numbers that cannot be"),
        (lambda _, arrays: arrays["layers.0.metrics.squares"].fill(-1), "numbers that cannot be"),
        (lambda _, arrays: arrays["layers.0.top.texts"].fill(77), "layers.0.top holds numbers that cannot be"),
        (lambda record, _: record.update(texts_of_top=[["a"]]), "a name and the beginning of a text"),
        (lambda record, _: record.update(top_texts=10**6), "expected a whole number, 0 or more"),
        (lambda record, _: record.update(quantiles=[1.5]), "expected a share from 0 to 1"),
        (lambda _, arrays: arrays["layers.1.quantiles.bytes"].fill(255), "layers.1.quantiles holds numbers that cannot be"),
        (lambda record, _: record.update(source={"a": [[[]]] * 3, "b": 2**70}), "numbers below"),
    ],
)  # fmt: skip
def test_a_record_that_cannot_be_is_one_line(change, message):
    content = _changed(measured(range(3), **OPTIONS).to_bytes(), change)
    with pytest.raises(AttnvizError, match=message) as error:
        Statistics.from_bytes(content, "a.stats")
    assert str(error.value).startswith("a.stats: ")


def test_a_title_is_shown_on_one_line():
    def rename(record, _):
        record["layers"][0]["title"] = "layer\x1b[31m 0"
        record["model"] = "M\x1b"

    again = Statistics.from_bytes(_changed(measured([3]).to_bytes(), rename), "a.stats")
    assert "\x1b" not in again.heads()[0].layer + again.model


@settings(max_examples=60, deadline=None)
@given(st.data())
@pytest.mark.slow
def test_a_byte_that_has_changed_is_always_found(data):
    content = bytearray(_content())
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= data.draw(st.integers(1, 255))
    try:
        again = Statistics.from_bytes(bytes(content), "a.stats")
    except AttnvizError as error:
        assert "a.stats" in str(error)  # noqa: PT017  (some bytes do not count)
    else:  # a space of the header, or the case of nothing that counts
        assert again.to_bytes() == _content()


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6))
def test_a_file_that_was_cut_is_found(length):
    content = _content()
    with pytest.raises(AttnvizError, match=r"a\.stats"):
        Statistics.from_bytes(content[: length % len(content)], "a.stats")


def _content() -> bytes:
    return measured([2, 3], **OPTIONS).to_bytes()


def test_other_files_are_refused(tmp_path):
    path = Path(tmp_path, "t.safetensors")
    text(3).save(path)
    for content in (path.read_bytes(), b"", b"hello", save({}, {"attnviz": "1"})):
        with pytest.raises(AttnvizError, match=r"no \.stats file|holds no statistics"):
            Statistics.from_bytes(content, "a.stats")
    with pytest.raises(AttnvizError, match="another version of attnviz"):
        Statistics.from_bytes(save({}, {"attnviz_stats": "2"}), "a.stats")
