"""A run over a corpus: the same numbers whatever engine, order and interruption; and nothing is done twice."""

from __future__ import annotations

import dataclasses
import errno
import os
import random

import pytest
from corpora import TINY, assert_same, corpus, numbers, one_pass

from attnviz.analysis.corpus.by_text import TextRows
from attnviz.corpora.engines.serial import in_this_process
from attnviz.corpora.job import Job
from attnviz.corpora.run import run
from attnviz.errors import AttnvizError

TEXTS = corpus(20)
BY_TEXT = dataclasses.replace(TINY, by_text=True)


class Counted:
    """This process, which counts the shards that it measures, and ends as ``after`` so many it is told to."""

    def __init__(self, after=None, error=KeyboardInterrupt, shuffled=False):
        self.after, self.error, self.shuffled, self.shards = after, error, shuffled, []

    def __call__(self, job, some, told):
        results = in_this_process(job, some, told)
        if self.shuffled:
            results = list(results)
            random.Random(0).shuffle(results)
        for shard, content in results:
            if len(self.shards) == self.after:
                raise self.error
            self.shards.append(shard.number)
            yield shard, content


def test_shards_of_any_size_are_one_pass_to_the_last_digits():
    for size in (1, 4, 99):
        assert_same(run(TINY, TEXTS[:9], in_this_process, size=size), one_pass(TEXTS[:9]))


def test_the_order_in_which_shards_are_finished_changes_no_bit():
    one, other = (run(TINY, TEXTS, engine, size=3) for engine in (in_this_process, Counted(shuffled=True)))
    assert one.to_bytes() == other.to_bytes()
    assert (numbers(one) == numbers(other)).sum() > 0


def test_workers_that_ended_on_the_way_are_told():
    def losing(job, some, told):
        yield from in_this_process(job, some)
        told(1, 2)

    said = []
    assert run(TINY, TEXTS[:4], losing, size=2, notice=said.append).texts == 4
    assert said == ["2 workers ended on the way; no text is lost"]


def test_no_texts_are_statistics_of_none():
    assert run(TINY, [], in_this_process).texts == 0


@pytest.mark.parametrize("shuffled", [False, True])
def test_an_interrupted_run_shows_what_it_has_and_the_next_does_the_rest(tmp_path, shuffled):
    first, second, said = Counted(after=4, shuffled=shuffled), Counted(), []
    found = run(TINY, TEXTS, first, size=2, state=tmp_path / "s")
    assert (found.partial, found.texts) == (True, 8)
    whole = run(TINY, TEXTS, second, size=2, state=tmp_path / "s", notice=said.append)
    assert len(first.shards) + len(second.shards) == 10
    assert not set(first.shards) & set(second.shards)
    assert not whole.partial
    assert_same(whole, one_pass(TEXTS))
    assert said == ["4 of 10 shards had been finished before"]
    third = Counted()
    assert run(TINY, TEXTS, third, size=2, state=tmp_path / "s").to_bytes() == whole.to_bytes()
    assert third.shards == []


def test_an_interruption_before_anything_is_finished_is_one():
    with pytest.raises(KeyboardInterrupt):
        run(TINY, TEXTS, Counted(after=0))


def test_more_texts_are_added_to_what_is_there(tmp_path):
    engine = Counted()
    run(TINY, TEXTS[:10], engine, size=5, state=tmp_path)
    assert_same(run(TINY, TEXTS, engine, size=5, state=tmp_path), one_pass(TEXTS))
    assert engine.shards == [0, 1, 2, 3]


@pytest.mark.parametrize("damage", [b"", b"x", None], ids=["empty", "other", "cut"])
@pytest.mark.some(2)
def test_a_corrupt_shard_is_told_and_measured_again(tmp_path, damage):
    run(TINY, TEXTS, in_this_process, size=5, state=tmp_path)
    path = sorted(tmp_path.glob("*.stats"))[1]
    path.write_bytes(path.read_bytes()[:-9] if damage is None else damage)
    engine, said = Counted(), []
    found = run(TINY, TEXTS, engine, size=5, state=tmp_path, notice=said.append)
    assert len(engine.shards) == 1
    assert said[0].startswith(str(path))
    assert said[0].endswith("its texts are measured again")
    assert_same(found, one_pass(TEXTS))


def test_a_shard_under_the_name_of_another_is_measured_again(tmp_path):
    run(TINY, TEXTS, in_this_process, size=5, state=tmp_path)
    one, other, *_ = sorted(tmp_path.glob("*.stats"))
    other.write_bytes(one.read_bytes())
    engine, said = Counted(), []
    assert_same(run(TINY, TEXTS, engine, size=5, state=tmp_path, notice=said.append), one_pass(TEXTS))
    assert len(engine.shards) == 1
    assert said[0] == f"{other} is of other texts than its name says; its texts are measured again"


def test_a_full_disk_ends_the_run_and_says_what_is_kept(tmp_path, monkeypatch):
    write, count = os.fsync, 0

    def filling(descriptor):
        nonlocal count
        count += 1
        if count > 8:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write(descriptor)

    monkeypatch.setattr(os, "fsync", filling)
    with pytest.raises(AttnvizError, match="no space left on device") as raised:
        run(TINY, TEXTS, in_this_process, size=2, state=tmp_path)
    monkeypatch.undo()
    kept = len(list(tmp_path.glob("*.stats")))
    assert kept > 0
    assert raised.value.hint == f"{tmp_path} keeps {kept} finished shards"
    engine = Counted()
    assert_same(run(TINY, TEXTS, engine, size=2, state=tmp_path), one_pass(TEXTS))
    assert len(engine.shards) == 10 - kept


def test_an_error_with_a_hint_keeps_it(tmp_path):
    with pytest.raises(AttnvizError) as raised:
        run(TINY, TEXTS, Counted(2, AttnvizError("a", "b")), size=2, state=tmp_path)
    assert raised.value.hint == f"b; {tmp_path} keeps 2 finished shards"
    with pytest.raises(AttnvizError) as raised:
        run(TINY, TEXTS, Counted(2, AttnvizError("a", "b")), size=2)
    assert raised.value.hint == "b"


def test_it_tells_how_far_it_is(tmp_path):
    run(TINY, TEXTS[:10], in_this_process, size=5, state=tmp_path)
    seen = []
    run(TINY, TEXTS, in_this_process, size=5, state=tmp_path, watch=seen.append)
    last, tokens = seen[-1], one_pass(TEXTS[10:]).tokens
    assert (last.texts, last.before, last.shards, last.kept, last.workers) == (20, 10, 2, 2, 1)
    assert last.tokens == tokens
    assert [one.texts for one in seen] == sorted(one.texts for one in seen)


def rows_of(texts):
    """What one process measures of each text, in their order, as bytes are compared: every row in full."""
    worker = TINY.worker()
    return [repr(list(worker([text]).rows())) for text in texts]


def written(engine, texts=TEXTS, job=BY_TEXT, **options):
    """The rows that come, text by text."""
    rows: list[TextRows] = []
    found = run(job, texts, engine, write=rows.append, **options)
    return found, [repr(list(of_text)) for of_text in rows]


@pytest.mark.parametrize("folder", [False, True])
@pytest.mark.parametrize("shuffled", [False, True])
@pytest.mark.some(2)
def test_rows_come_in_the_order_of_the_texts_whichever_shard_is_finished_first(tmp_path, folder, shuffled):
    state = tmp_path / "s" if folder else None
    found, rows = written(Counted(shuffled=shuffled), TEXTS[:8], size=2, state=state)
    assert rows == rows_of(TEXTS[:8])
    assert found.of_texts is None
    assert_same(found, one_pass(TEXTS[:8]))


@pytest.mark.parametrize("shuffled", [False, True])
def test_a_run_that_goes_on_has_the_rows_of_what_was_finished_before(tmp_path, shuffled):
    first = Counted(after=2, shuffled=shuffled)
    partial, some = written(first, TEXTS[:8], size=2, state=tmp_path)
    assert partial.partial
    assert some == rows_of([text for number in sorted(first.shards) for text in TEXTS[2 * number : 2 * number + 2]])
    second = Counted()
    _, rows = written(second, TEXTS[:8], size=2, state=tmp_path)
    assert not set(first.shards) & set(second.shards)
    assert rows == rows_of(TEXTS[:8])


def test_shards_without_rows_are_not_taken_for_some_with_them(tmp_path):
    run(TINY, TEXTS[:4], in_this_process, state=tmp_path)
    with pytest.raises(AttnvizError, match="what differs: by_text"):
        written(in_this_process, TEXTS[:4], state=tmp_path)


def test_a_kept_shard_that_lacks_its_rows_is_measured_again(tmp_path):
    written(in_this_process, TEXTS[:4], size=2, state=tmp_path)
    path = sorted(tmp_path.glob("*.stats"))[0]
    path.write_bytes(one_pass(TEXTS[:2]).to_bytes())
    engine, said = Counted(), []
    _, rows = written(engine, TEXTS[:4], size=2, state=tmp_path, notice=said.append)
    assert len(engine.shards) == 1
    assert said[0] == f"{path}: its rows of texts are missing or damaged; its texts are measured again"
    assert rows == rows_of(TEXTS[:4])


def test_a_text_that_is_skipped_has_no_row():
    texts = [TEXTS[0], TEXTS[1]._replace(text=" "), TEXTS[2]]
    found, rows = written(in_this_process, texts, size=2)
    assert (found.skipped, rows) == (1, rows_of([TEXTS[0], TEXTS[2]]))


def test_texts_that_cannot_be_read_are_counted():
    texts = [*TEXTS[:3], TEXTS[0]._replace(number=4, name="line 4", text=" ")]
    found = run(Job(model="tiny", layer=("0",)), texts, in_this_process, size=2)
    assert (found.texts, found.skipped) == (3, 1)
