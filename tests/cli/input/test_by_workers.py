"""A corpus measured by those whom the options ask for: in process here; tests/corpora has the others."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command_line import attnviz
from corpora import assert_same
from tiny_models import saved

from attnviz.cli.input import by_workers
from attnviz.corpora.effect_job import EffectJob
from attnviz.corpora.job import Job
from attnviz.errors import AttnvizError
from attnviz.sources.texts.corpus import CorpusText, Unread

LINES = b"the cat sat\n\na b a b\nYour journey starts\n"


def records(result):
    assert result.code == 0, result.stderr
    return json.loads(result.stdout)


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--model", "tiny", "--layer", "0"),
        ("--heads", "2", "--causal", "--dtype", "float64", "--backend", "numpy"),
        ("--max-length", "3", "--cut"),
    ],
    ids=" ".join,
)
def test_a_folder_and_shards_change_no_number(options):
    every = ("stats", "--lines", *options, "--format", "json")
    plain, kept = (records(attnviz(*every, *more, stdin=LINES)) for more in ((), ("--state", "s", "--shard-size", "2")))
    assert kept["texts"] == plain["texts"] == 3
    for one, other in zip(plain["heads"], kept["heads"], strict=True):
        for name, value in one["metrics"].items():
            assert other["metrics"][name]["mean"] == pytest.approx(value["mean"], rel=0, abs=1e-12)
    assert len(list(Path("s").glob("*.stats"))) == 2


def test_the_same_command_does_nothing_again_and_says_so():
    command = ("stats", "--lines", "--state", "s", "--shard-size", "2")
    first, second = (attnviz(*command, stdin=LINES) for _ in range(2))
    assert first.stdout == second.stdout
    assert "2 of 2 shards had been finished before" in second.stderr
    assert "1 blank line skipped" in second.stderr


def test_what_is_skipped_is_named():
    result = attnviz("stats", "--lines", "--workers", "1", "--max-length", "3", stdin=LINES)
    assert result.code == 0
    assert "1 skipped (line 3)" in result.stderr or "1 skipped" in result.stderr


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--workers", "2", "a"), "--workers is for many texts"),
        (("--state", "s", "a"), "--state is for many texts"),
        (("--lines", "--workers", "0", "a"), "--workers is '0': expected auto, or a whole number from 1 to 1024"),
        (("--lines", "--workers", "two", "a"), "--workers is 'two'"),
        (("--lines", "--address", "x", "a"), "--address is for --engine ray"),
        (("--lines", "--gpus-per-worker", "1", "a"), "--gpus-per-worker is for --engine ray"),
        (("--lines", "--state", "s", "--from", "x.npz"), "--lines is for texts: --from brings one trace"),
        (("--lines", "--state", "s", "--model", "tiny", "--image", "x.png", "a"), "--image is one image"),
        (("--lines", "--state", "s", "--model", "tiny", "--causal", "a"), "changes the rule"),
        (("--lines", "--state", "s", "--model", "tiny", "--heads", "2", "a"), "shapes toy attention"),
        (("--lines", "--state", "s", "--model", "tiny", "--device", "cpu", "a"), "the tiny model runs in NumPy alone"),
        (("--workers", "2", "--metric", "effect", "--model", "tiny", "a"), "--workers is for many texts"),
        (("--lines", "--state", "s", "--metric", "effect", "--model", "tiny", "--device", "cpu", "a"), "the tiny model runs in NumPy alone"),
        (("--address", "x", "--needles", "2", "--model", "tiny"), "--address is for --engine ray"),
        (("--state", "s", "--needles", "2", "--model", "tiny", "--device", "cpu"), "the tiny model runs in NumPy alone"),
    ],
)  # fmt: skip
def test_what_does_not_fit_together_is_wrong_usage(options, said):
    result = attnviz("stats", *options)
    assert (result.code, said in result.stderr) == (2, True), result.stderr
    assert not Path("s").exists()


def test_texts_of_which_none_can_be_measured_are_an_error():
    command = ("stats", "--lines", "--workers", "1", "--max-length", "1", "--by-text", "rows.csv")
    result = attnviz(*command, stdin=b"a b\nc d\n")
    assert result.code == 1
    assert "line 1: " in result.stderr
    assert not Path("rows.csv").exists()


def written(name, *options, code=0):
    result = attnviz("stats", "--lines", "--model", "tiny", "--layer", "0", "--by-text", name, *options, stdin=LINES)
    assert (result.code, result.stderr.count(f"a row for each text and head: {name}")) == (code, 1), result.stderr
    return Path(name).read_bytes()


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
@pytest.mark.some(2)
def test_rows_of_texts_are_the_same_bytes_as_of_one_process(suffix):
    plain = written(f"plain.{suffix}")
    assert written(f"kept.{suffix}", "--state", "s", "--shard-size", "2") == plain
    next(Path("s").glob("*.stats")).unlink()
    assert written(f"resumed.{suffix}", "--state", "s", "--shard-size", "2") == plain


def test_what_is_not_known_of_a_model_is_told_as_by_one_process(tmp_path):
    model = saved("XLNet", tmp_path / "XLNet")
    one, other = (
        attnviz("stats", "--lines", "--model", model, *more, stdin=b"a b\nb a b\n") for more in ((), ("--workers", "1"))
    )
    said = [[line for line in each.stderr.splitlines() if "only the weights" in line] for each in (one, other)]
    assert said[0] == said[1]
    assert "only the weights are known of layer 0, layer 1: " in said[0][0]


@pytest.mark.slow  # processes
def test_rows_of_texts_from_two_workers_are_the_same_bytes():
    assert written("two.csv", "--workers", "2", "--shard-size", "1") == written("plain.csv")


def test_a_state_folder_of_other_options_is_refused():
    attnviz("stats", "--lines", "--state", "s", stdin=LINES)
    result = attnviz("stats", "--lines", "--state", "s", "--heads", "2", stdin=LINES)
    assert result.code == 1
    assert "what differs: heads" in result.stderr


def test_python_has_the_same_names():
    from attnviz import stats

    texts = ["the cat sat", "a b a b", "Your journey starts"]
    assert_same(stats(texts, state="s", shard_size=2).statistics, stats(texts, workers=1).statistics)
    assert len(list(Path("s").glob("*.stats"))) == 2
    with pytest.raises(AttnvizError, match="keeps shards that were made otherwise"):
        stats(texts, state="s", shard_size=2, heads=2)


def test_effects_by_workers_are_those_of_one_process():
    options = ("stats", "--lines", "--metric", "effect", "--model", "tiny", "--layer", "0", "--format", "json")
    plain, kept = (json.loads(attnviz(*options, *more, stdin=LINES).text) for more in ((), ("--state", "s")))
    assert [head["head"] for head in kept["heads"]] == [head["head"] for head in plain["heads"]]
    for one, other in zip(kept["heads"], plain["heads"], strict=True):
        assert one["metrics"]["loss"]["mean"] == pytest.approx(other["metrics"]["loss"]["mean"], abs=1e-12)
    assert (kept["texts"], kept["tokens"]) == (plain["texts"], plain["tokens"])
    said = attnviz(*options, "--state", "s", stdin=LINES).stderr
    assert "1 of 1 shards had been finished before" in said
    other = attnviz("stats", "--lines", "--model", "tiny", "--layer", "0", "--state", "s", stdin=LINES)
    assert (other.code, "keeps shards of effects, and weights are asked for" in other.stderr) == (1, True)


def test_needles_by_workers_are_those_of_one_process(monkeypatch):
    import copying

    from attnviz.cli.commands import stats_needles
    from attnviz.sources import writers

    monkeypatch.setattr(stats_needles, "read_writer", lambda *_, **__: copying.writes)
    monkeypatch.setattr(writers, "writer", lambda *_, **__: copying.writes)
    options = ("stats", "--needles", 3, "--model", "tiny", "--needle-words", 30)
    plain, kept, again = (attnviz(*options, *more) for more in ((), ("--state", "s"), ("--state", "s")))
    assert plain.text == kept.text == again.text
    assert "3 of 3 shards had been finished before" in again.stderr


def test_texts_that_have_not_come_are_told_and_blank_ones_counted():
    class Slow:
        there = iter([True, False, True, False, None, True])

        def is_there(self):
            return next(self.there)

        def __iter__(self):
            yield CorpusText(1, "line 1", "a")
            yield Unread(2, "line 2", AttnvizError("blank"), blank=True)
            yield CorpusText(3, "line 3", "b")

    texts = by_workers._WithWords(Slow())
    assert [None if text is None else text.name for text in texts] == ["line 1", None, None, "line 3"]
    assert texts.blank == 1


@pytest.mark.parametrize("more", [(), ("--max-length", "4"), ("--max-length", "4", "--cut"), ("--metric", "effect")])
@pytest.mark.some(2)
def test_words_that_the_model_in_the_package_reads_by_their_letters_are_told_as_by_one_process(more):
    lines = LINES + b"quux zyzzy cat sat on the mat\n" + b"quux " * 500 + b"\n"
    command = ("stats", "--lines", "--model", "tiny", "--layer", "0", *more)
    plain, kept = (attnviz(*command, *who, stdin=lines).stderr for who in ((), ("--state", "s")))
    (said,) = [line for line in plain.splitlines() if "by their letters" in line]
    assert said in kept.splitlines()


@pytest.mark.parametrize("more", [(), ("--metric", "effect")])
def test_a_worker_that_lacks_what_models_need_is_one_clear_line(monkeypatch, more):
    def worker(_):
        raise ImportError("No module named torch", name="torch")

    monkeypatch.setattr(Job, "worker", worker)
    monkeypatch.setattr(EffectJob, "worker", worker)
    result = attnviz("stats", "--lines", "--model", "tiny", "--state", "s", *more, stdin=LINES)
    assert (result.code, "--model needs torch, which is not installed" in result.stderr) == (1, True)
