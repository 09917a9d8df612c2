"""Needles by workers: what attnviz.retrieval finds in one process."""

from __future__ import annotations

import copying
import pytest

import attnviz
from attnviz.analysis.head_names import Copying
from attnviz.corpora.engines.serial import in_this_process
from attnviz.corpora.needle_job import NeedleJob
from attnviz.corpora.run import run
from attnviz.errors import AttnvizError
from attnviz.sources import writers


@pytest.fixture(autouse=True)
def copier(monkeypatch):
    monkeypatch.setattr(writers, "writer", lambda *_, **__: copying.writes)


def shown(statistics):
    return [(head.layer, head.head, *vars(head.values[Copying.RETRIEVAL]).values()) for head in statistics.heads()]


def test_shards_are_what_one_process_finds(tmp_path):
    found = attnviz.retrieval("tiny", needles=3, needle_words=(30, 60), head="0,2")
    job = NeedleJob("tiny", count=3, words=(30, 60), threshold=found.threshold, head=("0,2",))
    for _ in range(2):  # the second reads what the first has kept
        made = run(job, job.texts(), in_this_process, state=tmp_path)
        assert made.asked == found.asked
        assert made.limit == pytest.approx(found.limit, abs=1e-12)
        for one, other in zip(shown(made), shown(found), strict=True):
            assert one == pytest.approx(other, abs=1e-12)
        assert (made.texts, made.tokens, made.read, made.error) == (6, found.tokens, found.read, found.error)
        assert (made.model, made.source, made.skipped) == (found.model, found.source, 0)
    assert len(list(tmp_path.glob("*.stats"))) == 6


def test_a_file_of_other_needles_is_refused():
    job = NeedleJob("tiny", count=1, words=(30,))
    content = job.worker()(job.texts()).to_bytes()
    assert job.opened(content, "a").tokens == job.worker()(job.texts()).read
    with pytest.raises(AttnvizError, match=r"^a: its needles are missing or damaged"):
        NeedleJob("tiny", count=1, words=(60,)).opened(content, "a")
