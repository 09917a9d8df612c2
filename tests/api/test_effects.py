"""attnviz.stats(metrics="effect"): the bytes of the command, and one line for what is wrong."""

from __future__ import annotations

import pytest
from command_line import attnviz as run

import attnviz
from attnviz import AttnvizError
from attnviz.renderers.effects.stats import EffectStats

TEXT = "the queen met the actor . she"
EFFECT = ("--model", "tiny", "--metric", "effect")


def test_a_text_is_what_the_command_says_of_it(tmp_path):
    ours = attnviz.stats(TEXT, "tiny", metrics="effect", answer="rules", ablate="zero", sort="kl", layer=1, head="1-3")
    options = (*EFFECT, "--answer", "rules", "--ablate", "zero", "--sort", "kl", "--layer", 1, "--head", "1-3")
    assert isinstance(ours, EffectStats)
    assert str(ours) == run("stats", TEXT, *options).text
    assert ours.to_json() == run("stats", TEXT, *options, "--format", "json").text
    assert ours.to_csv() == run("stats", TEXT, *options, "--format", "csv").text
    ours.heatmap("kl", tmp_path / "ours.svg")
    run("stats", TEXT, *options, "-o", tmp_path / "theirs.svg")
    assert (tmp_path / "ours.svg").read_bytes() == (tmp_path / "theirs.svg").read_bytes()


def test_many_texts_are_what_the_command_says_of_lines():
    texts = [TEXT, "", "we learn word by"]
    ours = attnviz.stats(texts, "tiny", metrics=["effect"], language="vi")
    theirs = run("stats", "--lines", *EFFECT, "--lang", "vi", stdin=f"{TEXT}\nwe learn word by\n".encode())
    blank = "\nNhững văn bản bị bỏ qua\n1: văn bản trống (1)\n"  # the command does not count blank lines among them
    assert blank in str(ours)
    assert str(ours).replace(blank, "").replace(" · số dòng bỏ qua: 1", "") == theirs.text
    assert list(ours.errors) == [1]
    assert [one["count"] for one in ours.records][:2] == [2, 2]


def test_what_is_kept_beside_is_what_the_command_keeps(tmp_path):
    texts, beside = [TEXT, "we learn word by", "queen"], {"layer": 1, "quantiles": (0.25, 0.75), "top_texts": 2}
    ours = attnviz.stats(
        texts, "tiny", metrics="effect", **beside, max_length=5, cut=True, by_text=tmp_path / "ours.jsonl"
    )
    options = ("--layer", 1, "--quantiles", "0.25,0.75", "--top-texts", 2, "--max-length", 5, "--cut")
    files = ("--by-text", tmp_path / "theirs.jsonl", "-o", tmp_path / "theirs.stats")
    run("stats", "--lines", *EFFECT, *options, *files, stdin="\n".join(texts).encode())
    for place in (0, 1):
        (tmp_path / "ours.jsonl").write_text(
            (tmp_path / "ours.jsonl").read_text().replace(f'"text":"{place}"', f'"text":"line {place + 1}"')
        )
    assert (tmp_path / "ours.jsonl").read_text() == (tmp_path / "theirs.jsonl").read_text()
    theirs = attnviz.merge_stats(tmp_path / "theirs.stats")
    assert theirs.statistics.asked == ours.statistics.asked == {"layer": ["1"], "max_length": "5", "cut": "True"}
    assert theirs.heads[0].quantiles == ours.heads[0].quantiles
    assert [one["top_value_1"] for one in ours.records] == [one["top_value_1"] for one in theirs.records]
    assert list(ours.errors) == [2]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"query": 1}, "query means nothing to the effect of heads"),
        ({"near": 3}, "near means nothing to the effect of heads"),
        ({"causal": True}, "causal means nothing to the effect of heads"),
        ({"model": None}, "the effect of heads is measured by taking them away from a model, and none is given"),
        ({"metrics": "effect,entropy"}, "metrics are effect and others"),
        ({"sort": "entropy"}, "sort is 'entropy': expected one of loss, probability, kl"),
        ({"ablate": "half"}, "ablate is 'half': expected one of mean, zero"),
        ({"answer": "xyzzy"}, "the token xyzzy is not in the vocabulary"),
        ({"answer": 3}, "answer is 3: expected a text"),
        ({"metrics": (), "answer": "rules"}, "answer is for metrics="),
        ({"metrics": (), "ablate": "zero"}, "ablate is for metrics="),
        ({"batch": 4}, "batch means nothing to the effect of heads"),
        ({"quantiles": 2}, "quantiles is 2: expected numbers from 0 to 1"),
        ({"top_texts": -1}, "top_texts is -1: expected a whole number"),
        ({"max_length": 0}, "max_length is 0: expected a whole number"),
        ({"layer": 9}, "layer 9 does not exist"),
    ],
)
def test_what_is_wrong_is_one_line(options, message):
    with pytest.raises(AttnvizError, match=message) as raised:
        attnviz.stats(TEXT, **({"model": "tiny", "metrics": "effect"} | options))
    assert "\n" not in raised.value.message


def test_a_trace_brings_no_model_that_runs():
    with pytest.raises(AttnvizError, match="none is given"):
        attnviz.trace_text(TEXT).stats(metrics="effect")
    with pytest.raises(AttnvizError, match="a trace brings no model that could run without a head"):
        attnviz.stats(attnviz.trace_text(TEXT), "tiny", metrics="effect")


def test_effects_by_workers_are_those_of_one_process(tmp_path):
    texts = ["the cat sat", "a b a b", "a " * 500]
    plain, kept = tmp_path / "plain.csv", tmp_path / "kept.csv"
    options = {"metrics": "effect", "layer": 0, "top_texts": 1}
    one = attnviz.stats(texts, "tiny", by_text=plain, **options)
    other = attnviz.stats(texts, "tiny", by_text=kept, state=tmp_path / "s", **options)
    assert plain.read_bytes() == kept.read_bytes()
    assert [head.top for head in one.statistics.heads()] == [head.top for head in other.statistics.heads()]
    assert {place: str(error) for place, error in one.errors.items()} == {
        place: str(error) for place, error in other.errors.items()
    }
