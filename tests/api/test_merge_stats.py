"""merge_stats joins what was saved and what is in memory, and returns what stats would."""

from __future__ import annotations

import numpy
import pytest
from command_line import attnviz as run
from made_effects import gathered, made_effects

import attnviz
from attnviz import AttnvizError
from attnviz.renderers.effects.stats import EffectStats

TEXTS = ["the cat sat on the cat", "a b a b", "one step and one step"]


def test_files_and_results_are_joined(tmp_path):
    first = attnviz.stats(TEXTS[:2], heads=2, quantiles=(0.5,), top_texts=1)
    first.save(tmp_path / "a.stats")
    second = attnviz.stats(TEXTS[2:], heads=2, quantiles=(0.5,), top_texts=1)
    whole = attnviz.stats(TEXTS, heads=2, quantiles=(0.5,), top_texts=1)
    both = attnviz.merge_stats(
        tmp_path / "a.stats", second, sort="entropy", quantiles="0,0.5", threshold={"broad": 0.3}
    )
    assert isinstance(both, attnviz.Stats)
    assert (both.statistics.texts, both.sort, both.statistics.quantiles) == (3, "entropy", (0.0, 0.5))
    means = [{head.head: head.values["entropy"].mean for head in one.heads} for one in (both, whole)]
    assert means[0] == pytest.approx(means[1], rel=1e-12)
    assert "Heads that have a name" in str(both)


def test_one_file_alone_is_read(tmp_path):
    attnviz.stats(TEXTS, heads=2).save(tmp_path / "a.stats")
    assert len(attnviz.merge_stats(str(tmp_path / "a.stats"), language="vi")) == 2


def test_effects_are_joined_too(tmp_path):
    for name, loss in (("a", 3.0), ("b", 1.0)):
        EffectStats(gathered(made_effects(loss=loss))).save(tmp_path / f"{name}.stats")
    both = attnviz.merge_stats(tmp_path / "a.stats", tmp_path / "b.stats", sort="loss")
    assert isinstance(both, EffectStats)
    assert (both.statistics.texts, both.sort) == (2, "loss")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sort": "loss"}, "sort is"),
        ({"language": "xx"}, "language is"),
        ({"threshold": {"broad": 7}}, "threshold is"),
        ({"quantiles": (2,)}, "quantiles is"),
        ({"quantiles": (0.5,)}, "no quantiles were kept of these texts"),
    ],
)
def test_what_is_wrong_is_one_line(options, message):
    with pytest.raises(AttnvizError, match=message):
        attnviz.merge_stats(attnviz.stats("a b", heads=2), **options)


def test_what_is_no_part_is_one_line(tmp_path):
    with pytest.raises(AttnvizError, match=r"parts\[0\] is 5: expected a path"):
        attnviz.merge_stats(5)
    with pytest.raises(AttnvizError, match="there is nothing to merge"):
        attnviz.merge_stats()
    with pytest.raises(AttnvizError, match=r"none\.stats does not exist"):
        attnviz.merge_stats(tmp_path / "none.stats")
    one = attnviz.stats("a b", heads=2)
    with pytest.raises(AttnvizError, match=r"parts\[1\] holds the same as parts\[0\]"):
        attnviz.merge_stats(one, one)
    with pytest.raises(AttnvizError, match=r"parts\[1\]: they cannot be merged: heads is 2 in one and 3 in the other"):
        attnviz.merge_stats(one, attnviz.stats("a b", heads=3))


def test_what_was_measured_with_the_same_arrays_is_joined_and_with_others_is_not():
    draw = numpy.random.default_rng(0)
    vectors = {"a": draw.standard_normal(40), "b": draw.standard_normal(40)}
    parts = [attnviz.stats([text], embeddings=vectors) for text in ("a b", "b a")]
    assert attnviz.merge_stats(*parts).statistics.texts == 2
    others = {"a": vectors["a"], "b": vectors["b"] + 1e-12}
    with pytest.raises(AttnvizError, match="they cannot be merged: embeddings is"):
        attnviz.merge_stats(parts[0], attnviz.stats(["b a"], embeddings=others))


@pytest.mark.parametrize(
    ("options", "arguments"),
    [
        ({"heads": 1, "seed": 0, "tokenizer": "word"}, ()),
        ({"scale": 1, "query": 1}, ("--no-scale", "--query", "@1")),
        ({"scale": 1.0, "query": range(2)}, ("--scale", "1", "--query", "0:2")),
        (
            {"heads": 2, "tokenizer": "char", "max_length": 4, "cut": True},
            ("--heads", 2, "--tokenizer", "char", "--max-length", 4, "--cut"),
        ),
        ({"model": "tiny", "verify": "all", "head": 0}, ("--model", "tiny", "--head", "0")),
    ],
)
def test_what_a_shell_and_python_asked_alike_is_joined(tmp_path, options, arguments):
    texts = ["the cat sat", "we learn word"]
    run("stats", "--lines", *arguments, "-o", tmp_path / "a.stats", stdin=texts[0].encode())
    both = attnviz.merge_stats(tmp_path / "a.stats", attnviz.stats(texts[1:], **options))
    assert both.statistics.texts == 2
