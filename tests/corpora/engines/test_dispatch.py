"""Who is given what, and what happens when a worker ends: with workers of paper, which do as they are told."""

from __future__ import annotations

from collections import deque

import pytest
from corpora import corpus

from attnviz.corpora.engines.dispatch import dispatched
from attnviz.corpora.engines.workers import Done, Failed, Gone, Placed, Ready
from attnviz.corpora.shards import Shard, shards
from attnviz.errors import AttnvizError


class Paper:
    """Workers that finish what they are given, but for what ``fate`` says: of a worker's start, of ("any", shard), and of ("once", shard)."""

    def __init__(self, count, fate=None):
        self.count, self.fate, self.closed = count, fate or {}, False
        self.events, self.dead, self.given, self.started = deque(), set(), [], 0

    def start(self):
        worker = self.started
        self.started += 1
        come = self.fate.get((worker, None), [Placed(worker), Ready(worker)])
        self.events.extend(come)
        return worker

    def give(self, worker, shard):
        self.given.append((worker, shard.number))
        come = self.fate.pop(("once", shard.number), self.fate.get(("any", shard.number), Done))
        self.events.append(come(worker, f"{shard.number}".encode() if come is Done else "killed"))

    def wait(self, seconds):  # noqa: ARG002
        while self.events:
            event = self.events.popleft()
            if event.worker not in self.dead:
                self.dead |= {event.worker} if isinstance(event, Gone) else set()
                return [event]
        return []

    def close(self):
        self.closed = True

    def too_few(self, seconds):
        return AttnvizError("too few for {seconds:.0f} s", seconds=seconds)


def run(workers, count=6, **options):
    """The contents by their shards."""
    found = {shard.number: content for shard, content in dispatched(workers, shards(corpus(count), 1), **options)}
    assert workers.closed
    return found


def all_of(count):
    return {number: str(number).encode() for number in range(count)}


@pytest.mark.parametrize("count", [1, 2, 9])
def test_each_shard_is_measured_once(count):
    workers = Paper(count)
    assert run(workers) == all_of(6)
    assert sorted(number for _, number in workers.given) == list(range(6))
    assert workers.started == min(count, 6)


def test_nothing_starts_where_there_is_nothing_to_do():
    workers = Paper(2)
    assert run(workers, 0) == {}
    assert workers.started == 0


def test_no_more_is_read_than_the_workers_need_next():
    taken = []
    stream = (taken.append(shard.number) or shard for shard in shards(corpus(50), 1))
    results = dispatched(Paper(2), stream)
    next(results)
    assert len(taken) <= 4
    results.close()


def test_a_worker_that_ends_is_replaced_and_its_shard_alone_is_done_again():
    workers = Paper(2, {("once", 0): Gone, ("once", 3): Gone})
    assert run(workers) == all_of(6)
    assert workers.started == 4
    assert len(workers.given) == 6 + 2


def test_a_worker_that_ends_while_it_waits_is_replaced():
    workers = Paper(1, {(0, None): [Placed(0), Ready(0), Gone(0, "killed")]})
    found = run(workers, 3)
    assert found == all_of(3)


def test_a_shard_that_ends_every_worker_is_an_error_that_names_it():
    workers = Paper(2, {("any", 4): Gone})
    with pytest.raises(AttnvizError, match=r"shard 4 \(line 5 to line 5\) has ended 3 workers.*killed"):
        run(workers)
    assert workers.closed


def test_workers_that_never_load_the_model_are_an_error_that_says_why():
    fate = {(number, None): [Placed(number), Gone(number, "no weights")] for number in range(9)}
    workers = Paper(2, fate)
    with pytest.raises(AttnvizError, match=r"3 workers in a row.*no weights"):
        run(workers)
    assert workers.started <= 5


def test_workers_that_go_before_they_have_a_place_say_nothing_of_the_job():
    fate = {(number, None): [Gone(number, "its node has gone")] for number in range(4)}
    assert run(Paper(1, fate), 3) == all_of(3)


def test_one_that_loads_forgives_those_that_did_not():
    fate = {(number, None): [Placed(number), Gone(number, "killed")] for number in (0, 1, 3, 4)}
    assert run(Paper(1, {**fate, ("once", 0): Gone}), 3) == all_of(3)


def test_what_a_worker_says_is_wrong_with_the_job_is_raised():
    error = AttnvizError("there is no layer 9")
    workers = Paper(2, {(1, None): [Placed(1), Failed(1, error)]})
    with pytest.raises(AttnvizError) as raised:
        run(workers)
    assert raised.value is error
    assert workers.closed


def test_a_cluster_without_room_is_an_error_and_no_hang():
    with pytest.raises(AttnvizError, match="too few"):
        run(Paper(2, {(0, None): [], (1, None): []}), patience=0.05)


def test_it_goes_on_where_some_have_no_place():
    assert run(Paper(2, {(1, None): []}), patience=0.0) == all_of(6)


def test_it_is_told_how_many_there_are_and_how_many_have_ended():
    told = []
    run(Paper(2, {("once", 1): Gone}), told=lambda *counts: told.append(counts))
    assert max(alive for alive, _ in told) == 2
    assert min(alive for alive, _ in told[3:]) >= 1
    assert (told[0][1], told[-1][1]) == (0, 1)


def test_workers_end_when_the_results_are_wanted_no_more():
    workers = Paper(2)
    results = dispatched(workers, shards(corpus(9), 1))
    next(results)
    results.close()
    assert workers.closed


def test_what_is_finished_is_taken_while_the_next_text_has_not_come():
    """As where a slow program writes the texts to a pipe: nobody is too few as long as nobody is asked for."""
    finished = []

    def slow():
        yield None
        yield from shards(corpus(1), 1)
        while not finished:
            yield None
        yield Shard(1, tuple(corpus(1)))

    for shard, _ in dispatched(Paper(2), slow(), patience=-1.0):
        finished.append(shard.number)
    assert finished == [0, 1]
