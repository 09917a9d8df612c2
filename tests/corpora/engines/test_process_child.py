"""What a worker process answers: here without the process."""

from __future__ import annotations

import io
import queue

import pytest
from corpora import TINY, assert_same, corpus, one_pass

from attnviz.analysis.corpus import Statistics
from attnviz.attention import threads
from attnviz.corpora.engines import process_child
from attnviz.corpora.job import Job
from attnviz.corpora.shards import shards
from attnviz.errors import AttnvizError


@pytest.fixture(autouse=True)
def all_processors(monkeypatch):
    monkeypatch.setattr(threads, "_most", None)


def answers(*given):
    """What comes out for what goes in."""
    asked, out = queue.Queue(), io.BytesIO()
    for one in given:
        asked.put(one)
    process_child.serve(asked, out)
    out.seek(0)
    while out.tell() < len(out.getvalue()):
        yield process_child.read(out)


def test_it_is_ready_once_the_model_is_loaded_and_answers_each_shard(monkeypatch):
    monkeypatch.setattr("torch.set_num_threads", lambda _: None)
    first, second = shards(corpus(5), 3)
    ready, *done = answers((TINY, 1), first, second, None)
    assert ready == ("ready", None)
    assert threads.processors() == 1
    for shard, (said, content) in zip((first, second), done, strict=True):
        assert said == "done"
        assert_same(Statistics.from_bytes(content, ""), one_pass(list(shard.texts)))


@pytest.mark.parametrize("job", [Job(model="tiny", layer=("99",)), Job(model="/nowhere")])
def test_what_is_wrong_with_the_job_is_sent_as_it_is(job):
    said, error = list(answers((job, 1), *shards(corpus(2))))[-1]
    assert said == "failed"
    assert isinstance(error, AttnvizError)


def test_a_bug_is_sent_as_well():
    said, error = list(answers((TINY, 1), "no shard"))[-1]
    assert (said, type(error)) == ("failed", AttributeError)


@pytest.mark.parametrize("left", [0, 3, 8, 12])
def test_an_answer_that_breaks_off_is_an_end(left):
    out = io.BytesIO()
    process_child.write(out, ["some", "content"])
    with pytest.raises(EOFError):
        process_child.read(io.BytesIO(out.getvalue()[:left]))


class LibraryError(Exception):
    """Pickles, but cannot be read again, as an error of the hub's client that wants its response."""

    def __init__(self, said, *, response):
        super().__init__(said)
        self.response = response


class Broken:
    """A job whose model cannot be loaded."""

    def __init__(self, error):
        self.error = error

    def worker(self):
        raise self.error


def test_an_error_that_cannot_be_read_again_is_told_in_its_own_words():
    ((said, error),) = answers((Broken(LibraryError("the file is cut off", response=None)), 1))
    assert (said, type(error)) == ("failed", RuntimeError)
    assert str(error) == "LibraryError: the file is cut off"


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory")])
def test_one_that_lacks_memory_ends_so_that_another_takes_its_shard(error):
    with pytest.raises(type(error)):
        list(answers((Broken(error), 1)))
