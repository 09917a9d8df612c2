"""The file itself: read by safetensors' own library, whole, and by nobody else's checksum."""

from __future__ import annotations

import json

import numpy
import pytest
from safetensors.numpy import load, save

from attnviz.analysis.corpus.running import Running
from attnviz.analysis.corpus.state_file import (
    Packed,
    member,
    of_file,
    of_shard,
    packed,
    require_of,
    require_record,
    require_shard,
    running_arrays,
    running_of,
    unpacked,
)
from attnviz.choices import Pool
from attnviz.errors import AttnvizError
from attnviz.trace.schema import COUNT

ARRAYS = {"a.count": numpy.arange(4).reshape(2, 2), "b": numpy.array(0.5)}


def test_what_is_packed_is_unpacked_and_the_library_reads_it():
    content = packed(Packed("weights", {"near": 8, "name": "é"}, ARRAYS))
    assert load(content)["a.count"].tolist() == ARRAYS["a.count"].tolist()
    found = unpacked(content, "a.stats")
    assert (found.kind, found.record) == ("weights", {"near": 8, "name": "é"})
    assert {name: array.tolist() for name, array in found.arrays.items()} == {"a.count": [[0, 1], [2, 3]], "b": 0.5}


def test_of_which_texts_it_is_stands_beside_and_changes_nothing():
    content = packed(Packed("weights", {"near": 8}, ARRAYS))
    named = of_shard(content, "these")
    assert unpacked(named, "a.stats").record == unpacked(content, "a.stats").record
    require_shard(named, "these", "a.stats")
    for other in (named, content):
        with pytest.raises(AttnvizError, match=r"a\.stats is of other texts than its name says"):
            require_shard(other, "those", "a.stats")


def _metadata(content: bytes) -> dict[str, str]:
    return json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])["__metadata__"]


@pytest.mark.parametrize("name", sorted(ARRAYS))
def test_another_number_under_the_same_checksum_is_refused(name):
    content = packed(Packed("weights", {}, ARRAYS))
    with pytest.raises(AttnvizError, match=r"a\.stats: it is damaged: its checksum is another"):
        unpacked(save({**ARRAYS, name: numpy.array(ARRAYS[name] + 1)}, _metadata(content)), "a.stats")
    with pytest.raises(AttnvizError, match="its checksum is another"):
        unpacked(save({one: array for one, array in ARRAYS.items() if one != name}, _metadata(content)), "a.stats")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"no", r"a\.stats is no \.stats file, or cut short"),
        (save(ARRAYS, {"attnviz": "1"}), r"a\.stats: it holds no statistics"),
        (save(ARRAYS, {"attnviz_stats": "2"}), r"a\.stats: another version of attnviz has written it"),
        (packed(Packed("roles", {}, {})), r"a\.stats: it holds no statistics"),
    ],
)
def test_what_is_no_such_file_is_one_line(content, message):
    with pytest.raises(AttnvizError, match=message):
        unpacked(content, "a.stats")


def test_numbers_that_are_running_are_written_and_read():
    running = Running((2,)).plus(numpy.array([1.0, numpy.nan])).plus(numpy.array([3.0, 4.0]))
    again = running_of(running_arrays(running, "x"), "x", (2,), 2)
    assert (again.count.tolist(), again.mean.tolist()) == ([2, 1], [2.0, 4.0])
    again.plus(numpy.array([1.0, 1.0]))


@pytest.mark.parametrize(
    ("part", "value", "message"),
    [
        ("count", numpy.array([3, 0]), "x holds numbers that cannot be"),
        ("count", numpy.array([-1, 0]), "x holds numbers that cannot be"),
        ("count", numpy.array([1.0, 0.0]), "x.count is missing, or of another shape"),
        ("means", numpy.array([numpy.inf, 0.0]), "x holds numbers that cannot be"),
        ("squares", numpy.array([-1.0, 0.0]), "x holds numbers that cannot be"),
        ("squares", numpy.array([numpy.inf, 0.0]), "x holds numbers that cannot be"),
        ("squares", numpy.array([1.0]), "x.squares is missing, or of another shape"),
    ],
)
def test_running_numbers_that_cannot_be_are_refused(part, value, message):
    arrays = running_arrays(Running((2,)), "x") | {f"x.{part}": value}
    with pytest.raises(AttnvizError, match=message):
        running_of(arrays, "x", (2,), 2)


def test_a_field_that_is_missing_or_of_a_later_attnviz_is_named():
    with pytest.raises(AttnvizError, match="it lacks near"):
        require_record({}, {"near": COUNT})
    assert member("pool", Pool, "max") is Pool.MAX
    with pytest.raises(AttnvizError, match="pool has median, which this attnviz does not know") as error:
        member("pool", Pool, "median")
    assert error.value.hint == "update attnviz"
    with pytest.raises(AttnvizError, match="it holds statistics of effects, and those of weights are read here"):
        require_of(Packed("effects", {}, {}), "weights")
    with pytest.raises(AttnvizError, match=r"^b\.stats: wrong$"), of_file("b.stats"):
        raise AttnvizError("wrong")
