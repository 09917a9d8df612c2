"""Who measures many texts, as Python says it."""

from __future__ import annotations

import pytest
from corpora import assert_same

import attnviz
from attnviz import stats
from attnviz.api.workers import USUAL, workforce
from attnviz.corpora.choices import Engine
from attnviz.errors import AttnvizError
from attnviz.sources.texts.corpus import CorpusText, Unread

TEXTS = ["the cat sat", "a b a b", "Your journey starts"]


def test_nothing_that_is_said_is_nobody():
    assert workforce(USUAL) is None
    given = workforce({**USUAL, "engine": "ray", "workers": 3, "state": "s", "address": "auto", "gpus_per_worker": 1})
    assert (given.workers, given.engine, given.address, given.gpus_per_worker) == (3, Engine.RAY, "auto", 1.0)
    assert workforce({**USUAL, "shard_size": 9}).workers is None


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"workers": 0}, "workers is 0"),
        ({"workers": "two"}, "workers is "),
        ({"shard_size": 0}, "shard_size is 0"),
        ({"engine": "spark"}, "engine is "),
        ({"address": "auto"}, "address is for engine='ray'"),
        ({"gpus_per_worker": 1}, "gpus_per_worker is for engine='ray'"),
        ({"workers": 1, "model": object()}, "this one is loaded already"),
        ({"workers": 1, "by_text": "x.txt"}, "its suffix is not one of"),
        ({"workers": 1, "chat": True}, "chat is no option of trace_text"),
    ],
)
def test_what_cannot_be_is_refused(options, said):
    with pytest.raises(AttnvizError) as raised:
        stats(TEXTS, **options)
    assert said in str(raised.value)


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        ("one text", "are for many texts"),
        (3, "are for many texts"),
        ([], "there are no texts"),
        (["a", attnviz.trace_text("a b")], "text 1 is of type Trace"),
        ([" "], "text 0: "),
    ],
)
def test_texts_that_no_worker_reads_are_refused(texts, said):
    with pytest.raises(AttnvizError) as raised:
        stats(texts, workers=1)
    assert said in str(raised.value)


def test_texts_of_files_keep_their_names_and_blank_lines_are_none():
    texts = [CorpusText(1, "a.txt:1", "the cat"), Unread(2, "a.txt:2", AttnvizError("it holds no word"), blank=True)]
    texts += [Unread(3, "a.txt:3", AttnvizError("it is not JSON"))]
    found = stats(texts, workers=1).statistics
    assert (found.texts, found.skipped) == (1, 1)
    assert found.left_out_texts.reasons[0].names == ("a.txt:3",)


def test_the_numbers_are_those_of_one_process(tmp_path):
    plain, others = tmp_path / "plain.csv", tmp_path / "others.csv"
    one = stats(TEXTS, "tiny", layer=0, by_text=plain, top_texts=1)
    other = stats(TEXTS, "tiny", layer=0, by_text=others, top_texts=1, state=tmp_path / "s", shard_size=2)
    assert_same(one.statistics, other.statistics)
    assert plain.read_bytes() == others.read_bytes()
    assert [head.top for head in one.statistics.heads()] == [head.top for head in other.statistics.heads()]


@pytest.mark.parametrize("metrics", [(), "effect"])
def test_what_was_left_out_is_told_by_its_place_as_in_one_process(metrics, tmp_path):
    texts = [*TEXTS, "a " * 500, "b a", "c " * 900]
    one = stats(texts, "tiny", layer=0, metrics=metrics)
    for _ in range(2):  # the second time from what is kept
        other = stats(texts, "tiny", layer=0, metrics=metrics, state=tmp_path / "s", shard_size=2)
        assert sorted(other.errors) == [3, 5]
        for place, error in one.errors.items():
            assert (str(other.errors[place]), other.errors[place].hint) == (str(error), error.hint)


def test_effects_are_those_of_one_process(tmp_path):
    options = {"metrics": "effect", "layer": 0, "head": 1, "answer": "cat"}
    one, other = (stats(TEXTS, "tiny", **options, **more) for more in ({}, {"state": tmp_path}))
    for mine, theirs in zip(one.records, other.records, strict=True):
        assert mine == pytest.approx(theirs, abs=1e-12, nan_ok=True)
    with pytest.raises(AttnvizError, match="this one is loaded already"):
        stats(TEXTS, object(), metrics="effect", state=tmp_path)


def test_needles_are_those_of_one_process(monkeypatch, tmp_path):
    import copying

    from attnviz.sources import writers

    monkeypatch.setattr(writers, "writer", lambda *_, **__: copying.writes)
    one, other = (attnviz.retrieval("tiny", needles=2, needle_words=30, **more) for more in ({}, {"state": tmp_path}))
    assert (str(one), one.asked) == (str(other), other.asked)
