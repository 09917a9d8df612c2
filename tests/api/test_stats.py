"""attnviz.stats: the numbers of the command, from texts, from traces, over one and over many."""

from __future__ import annotations

import json

import pytest
from command_line import attnviz as run

import attnviz
from attnviz import AttnvizError, trace_model, trace_text

TEXTS = ["the cat sat on the mat", "Your journey starts", "a b a b a"]


def test_one_text_is_what_the_command_measures():
    ours = attnviz.stats(TEXTS[0], heads=3, causal=True, sort="entropy", near=2, pool="max", query="1:4", key=":3")
    options = (
        "--heads",
        3,
        "--causal",
        "--sort",
        "entropy",
        "--near",
        2,
        "--pool",
        "max",
        "--query",
        "1:4",
        "--key",
        ":3",
    )
    assert ours.to_json() == run("stats", TEXTS[0], *options, "--format", "json").text
    assert ours.to_csv() == run("stats", TEXTS[0], *options, "--format", "csv").text
    assert str(ours) == run("stats", TEXTS[0], *options).text


@pytest.mark.parametrize("make", [list, iter, tuple], ids=["list", "iterator", "tuple"])
def test_many_texts_are_what_the_command_makes_of_lines(make):
    lines = "\n".join(TEXTS).encode()
    ours = attnviz.stats(make(TEXTS), heads=2, head="1", language="vi")
    assert str(ours) == run("stats", "--lines", "--heads", 2, "--head", "1", "--lang", "vi", stdin=lines).text
    assert ours.statistics.texts == 3


def test_traces_are_measured_as_their_texts_are():
    traces = [trace_text(text, heads=2) for text in TEXTS]
    assert attnviz.stats(traces).to_json() == attnviz.stats(TEXTS, heads=2).to_json()
    assert traces[1].stats(metrics="first").to_json() == attnviz.stats(TEXTS[1], heads=2, metrics="first").to_json()


def test_a_model_reads_all_texts():
    ours = attnviz.stats(TEXTS, "tiny", layer=1, head=0)
    lines = "\n".join(TEXTS).encode()
    assert (
        ours.to_csv()
        == run("stats", "--lines", "--model", "tiny", "--layer", 1, "--head", 0, "--format", "csv", stdin=lines).text
    )
    assert len(ours) == 1
    assert attnviz.stats(TEXTS[0], "tiny").to_json() == trace_model("tiny", TEXTS[0]).stats().to_json()


def test_texts_are_cut_as_they_are_traced():
    assert attnviz.stats("a b", tokenizer="char").to_json() == trace_text("a b", tokenizer="char").stats().to_json()


def test_a_model_is_loaded_once_for_all_texts(model_folder, monkeypatch):
    from attnviz.sources.huggingface import model

    loaded, load = [], model.load_model
    monkeypatch.setattr(model, "load_model", lambda *words: loaded.append(words) or load(*words))
    ours = attnviz.stats(["Your journey", "one step"], model_folder, dtype="float64", head=0, verify="all")
    assert len(loaded) == 1
    lines = b"Your journey\none step"
    options = ("--lines", "--model", model_folder, "--dtype", "float64", "--head", 0, "--verify", "all")
    assert ours.to_json() == run("stats", *options, "--format", "json", stdin=lines).text


def test_only_the_metrics_that_are_asked_for_are_measured():
    whole, ours = attnviz.stats(TEXTS[0]), attnviz.stats(TEXTS[0], metrics=["first", "entropy"])
    [head] = ours.heads
    assert [metric.value for metric in head.values] == ["first", "entropy"]
    assert {str(head.values[metric]) for metric in head.values} == {
        str(whole.heads[0].values[one]) for one in head.values
    }
    assert list(json.loads(ours.to_json())["over"]) == ["first", "entropy"]
    assert attnviz.stats(TEXTS[0], metrics="first,entropy").to_json() == ours.to_json()


def test_a_text_that_cannot_be_read_is_left_out_and_said():
    ours = attnviz.stats([TEXTS[0], "", TEXTS[1]])
    assert {place: error.message for place, error in ours.errors.items()} == {1: "text 1: the text is empty"}
    assert ours.statistics.skipped == 1
    assert ours.to_csv() == attnviz.stats([TEXTS[0], TEXTS[1]]).to_csv()


@pytest.mark.parametrize(
    ("texts", "options", "message"),
    [
        (["", ""], {}, "text 0: the text is empty"),
        ([], {}, "there are no texts"),
        (5, {}, "texts is int: expected a text, a trace, or a list of them"),
        (None, {}, "texts is NoneType"),
        ([5], {}, "text 0: text is 5: expected a text"),
        ("", {}, "the text is empty"),
        (TEXTS, {"heads": 2, "head": 3}, "head 3 does not exist: layer 0 has heads 0 to 1"),
        (TEXTS, {"metrics": "entrpy"}, "metrics is 'entrpy': expected one of entropy, "),
        (TEXTS, {"sort": "size"}, "sort is 'size': expected one of entropy, "),
        (TEXTS, {"sort": "near", "metrics": "first"}, "sort is near, which is not among the metrics"),
        (TEXTS, {"near": 0}, "near is 0: expected a whole number, 1 or more"),
        (TEXTS, {"pool": "median"}, "pool is 'median': expected one of mean, max"),
        (TEXTS, {"language": "de"}, "language is 'de': expected one of en, vi"),
        (TEXTS, {"query": "dog"}, "text 0: .*dog"),
        (TEXTS, {"model": "tiny", "heads": 4}, "heads is no option of trace_model, which reads the texts here"),
        (TEXTS, {"target": "x"}, "target is no option of trace_text, which reads the texts here"),
        (TEXTS, {"model": "tiny", "device": "cpu"}, "text 0: device is for a model of torch"),
    ],
)
def test_what_cannot_be_measured_is_told_in_one_line(texts, options, message):
    with pytest.raises(AttnvizError, match=message):
        attnviz.stats(texts, **options)


def test_contributions_are_measured_as_the_command_measures_them():
    ours = attnviz.stats(TEXTS[0], heads=3, causal=True, step="contribution")
    assert (
        ours.to_json()
        == run("stats", TEXTS[0], "--heads", 3, "--causal", "--step", "contribution", "--format", "json").text
    )
    with pytest.raises(AttnvizError, match="step"):
        attnviz.stats(TEXTS[0], step="scores")


def test_workers_and_rows_of_texts_are_what_one_process_measures(tmp_path):
    texts = ["the dog", "the cats near the tree"]
    plain = attnviz.stats(texts, "tiny", by_text=tmp_path / "plain.csv", sort="entropy")
    kept = attnviz.stats(texts, "tiny", by_text=tmp_path / "kept.csv", sort="entropy", state=tmp_path / "state")
    assert str(plain) == str(kept)
    assert (tmp_path / "plain.csv").read_bytes() == (tmp_path / "kept.csv").read_bytes()
    with pytest.raises(AttnvizError, match="sort is near, which is not among the metrics"):
        attnviz.stats(texts, "tiny", metrics="entropy", sort="near")
