"""Many texts: each with its trace in their order, by a model several at once, and what is wrong with some."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy
import pytest
from command_line import attnviz, done, problem, started
from numpy.testing import assert_allclose
from tiny_models import saved

from attnviz.cli.input.corpus import Corpus
from attnviz.cli.input.many import named_text, of_lines, read_lines, require_no_batch
from attnviz.cli.input.traces import Making
from attnviz.cli.options.model import ModelOptions
from attnviz.cli.options.source import BatchOptions, LinesOptions, SourcesOptions
from attnviz.cli.options.toy import ToyOptions
from attnviz.errors import AttnvizError, ChoiceError, UsageError
from attnviz.sources.huggingface.trace_texts import Batches
from attnviz.sources.texts.corpus import CorpusText, Unread

TEXTS = ("the dog", "a b a b a b a", "", "the cat sat", "one", "the dog and the cat")


def corpus(text: str = "\n".join(TEXTS), **given) -> Corpus:
    return Corpus(SourcesOptions(text=text, **given), LinesOptions(lines=True))


@pytest.fixture(scope="module")
def llama(tmp_path_factory) -> str:
    return str(saved("Llama", tmp_path_factory.mktemp("llama")))


def test_lines_are_numbered_and_blank_ones_skipped(capsys):
    pairs = list(read_lines(corpus("a\n\n \nb c\n"), Making(), BatchOptions()))
    assert [(text.number, text.name, trace.tokens) for text, trace in pairs] == [
        (1, "line 1", ("a",)),
        (4, "line 4", ("b", "c")),
    ]
    assert capsys.readouterr().err == "attnviz: 2 blank lines skipped\n"


def test_a_line_that_fails_is_named_or_left_to_the_caller(folder):
    making = Making(toy=ToyOptions(embeddings=Path("e.json")))
    (folder / "e.json").write_text('{"a": [1, 2]}')
    with pytest.raises(AttnvizError, match=r"^line 2: "):
        list(read_lines(corpus("a\nb\na"), making, BatchOptions()))
    failed: list[int] = []
    pairs = list(read_lines(corpus("a\nb\na"), making, BatchOptions(), lambda text, _: failed.append(text.number)))
    assert ([text.number for text, _ in pairs], failed) == ([1, 3], [2])


def test_lines_alone_are_texts(folder):
    numpy.savez(folder / "a.npz", **dict.fromkeys(("query", "key", "value"), numpy.eye(2)))
    with pytest.raises(UsageError, match="--lines is for texts: --from brings one trace"):
        list(read_lines(corpus(None, from_=Path("a.npz")), Making(), BatchOptions()))
    with pytest.raises(AttnvizError, match="no line holds a word"):
        list(read_lines(corpus(" \n "), Making(), BatchOptions()))


def test_an_error_keeps_its_kind_and_its_hint():
    text = CorpusText(7, "a.txt:7", "")
    with pytest.raises(UsageError, match=r"^a\.txt:7: wrong$") as raised, named_text(text):
        raise UsageError("wrong", "try again")
    assert raised.value.hint == "try again"
    with pytest.raises(AttnvizError, match=r"^wrong$"), named_text(None):
        raise AttnvizError("wrong")


def test_what_no_other_text_would_do_better_ends_it():
    def make(_):
        raise ChoiceError("no such layer")

    with pytest.raises(ChoiceError, match="line 1: no such layer"):
        list(of_lines(corpus("a\nb"), make, lambda *_: None))


def test_a_file_that_cannot_be_read_ends_it_where_nobody_is_told(folder):
    (folder / "b.txt").write_text("b\n")
    several = Corpus(SourcesOptions(file=[Path("none.txt"), Path("b.txt")]), LinesOptions(lines=True))
    with pytest.raises(AttnvizError, match=r"^none\.txt does not exist$"):
        list(of_lines(several, str))
    failed: list[Unread] = []
    assert [made for _, made in of_lines(several, str, lambda text, _: failed.append(text))] == ["b"]
    assert [one.whole for one in failed] == [True]


def test_a_model_reads_several_at_once_and_gives_what_it_gives_one_by_one(llama):
    making = Making(model=ModelOptions(model=llama))
    reports: list[int] = []
    together = list(read_lines(corpus(), making, BatchOptions(batch=4), None, reports.append))
    alone = list(read_lines(corpus(), making, BatchOptions(batch=1)))
    assert [text.number for text, _ in together] == [1, 2, 4, 5, 6] == [text.number for text, _ in alone]
    assert max(reports) > 1
    for (_, mine), (_, its) in zip(together, alone, strict=True):
        assert mine.tokens == its.tokens
        for name in ("query", "key", "value"):
            assert_allclose(getattr(mine.layers[1], name), getattr(its.layers[1], name), atol=1e-5)


def test_what_is_told_stands_where_it_comes_between_answers(llama):
    told: list[int] = []
    making = Making(model=ModelOptions(model=llama))
    (Path() / "rows.jsonl").write_text('{"text": "a b"}\n{}\n{"text": "c d"}\n{"text": "e"}\n[]\n')
    rows = Corpus(SourcesOptions(file=[Path("rows.jsonl")]), LinesOptions())
    order = [
        (text.number, told.copy())
        for text, _ in read_lines(rows, making, BatchOptions(), lambda text, _: told.append(text.number))
    ]
    assert (order, told) == ([(1, []), (3, [2]), (4, [2])], [2, 5])


def test_an_interrupted_window_hands_on_what_is_done(llama, monkeypatch):
    def interrupted(batches, some, answers=Batches._answers):
        if some[0].length < 4:
            raise KeyboardInterrupt
        return answers(batches, some)

    monkeypatch.setattr(Batches, "_answers", interrupted)
    texts = "a b c d e f\n" + "a b\n" * 3 + "a b c d e\n" * 4
    lines = read_lines(corpus(texts), Making(model=ModelOptions(model=llama)), BatchOptions(batch=2))
    assert [next(lines)[0].number for _ in range(5)] == [1, 5, 6, 7, 8]
    with pytest.raises(KeyboardInterrupt):
        next(lines)


def test_a_direction_is_followed_text_by_text(llama):
    making = Making(model=ModelOptions(model=llama), toward="@output")
    assert all(trace.layers[0].toward for _, trace in read_lines(corpus(), making, BatchOptions()))


def test_the_model_in_the_package_reads_lines_and_tells_its_words_once(capsys):
    making = Making(model=ModelOptions(model="tiny"))
    found = list(read_lines(corpus("the dog\nthe zebra"), making, BatchOptions()))
    assert [trace.tokens for _, trace in found] == [("the", "dog"), ("the", "zebra")]
    assert capsys.readouterr().err.count("zebra") == 1
    with pytest.raises(UsageError, match="--image is one image"):
        list(read_lines(corpus(), Making(model=ModelOptions(model="tiny", image=Path("a.png"))), BatchOptions()))


def test_a_model_that_looks_at_an_image_takes_no_lines(tmp_path_factory):
    making = Making(model=ModelOptions(model=str(saved("ViT", tmp_path_factory.mktemp("vit")))))
    with pytest.raises(UsageError, match="--lines is for texts, and this model looks at an image"):
        list(read_lines(corpus(), making, BatchOptions()))


@pytest.mark.parametrize("options", [{"batch": 2}, {"max_length": 3}, {"cut": True}])
def test_one_text_has_no_batch(options):
    with pytest.raises(UsageError, match="is for many texts"):
        require_no_batch(BatchOptions(**options))
    require_no_batch(BatchOptions())


def test_a_toy_has_no_batch():
    assert "--batch is for a real model" in problem(attnviz("stats", "--lines", "a\nb", "--batch", 2), 2)


@pytest.mark.parametrize("model", [None, "tiny", "llama"])
@pytest.mark.some(2)
def test_a_text_that_is_too_long_is_skipped_or_cut(llama, model):
    named = () if model is None else ("--model", llama if model == "llama" else model)
    text = "the dog\nthe dog and the cat and the dog\nthe cat"

    def lengths(*more: object) -> list[int]:
        lines = done("explain", "--lines", text, *named, *more, "--format", "json").lines
        return [len(json.loads(line)["tokens"]) for line in lines]

    first, second, third = lengths()
    most = max(first, third)
    assert second > most
    skipped = attnviz("stats", "--lines", text, *named, "--max-length", most, "--format", "json")
    assert (skipped.code, json.loads(skipped.stdout)["skipped"]) == (0, 1)
    assert f"line 2 skipped: the text has {second} tokens, more than the {most} that are asked for" in skipped.stderr
    assert lengths("--max-length", most, "--cut") == [first, most, third]


def test_each_line_of_a_live_pipe_is_answered_before_the_next_is_written(llama):
    with started(
        "explain", "--lines", "--model", llama, "--format", "csv", "--layer", "0", "--step", "weights"
    ) as process:
        for number in (1, 2):
            process.stdin.write(b"the dog\n")
            process.stdin.flush()
            seen = b""
            while not seen.rstrip().rpartition(b"\n")[2].startswith(b"%d," % number):
                piece = os.read(process.stdout.fileno(), 1 << 16)
                assert piece
                seen += piece
        process.stdin.close()
        process.stdin = None
        _, stderr = process.communicate(timeout=60)
    assert (process.returncode, stderr) == (0, b"")
