"""A pair of texts on the command line, and the words of what a model reads."""

from __future__ import annotations

import json

import pytest
from command_line import attnviz, done, problem
from tiny_models import saved
from tiny_tokenizers import pairing

FIRST, SECOND = "the cat sat", "your journeys start"
PAIR = (FIRST, "--pair", SECOND)


@pytest.fixture(scope="module")
def bert(tmp_path_factory):
    folder = saved("Bert", tmp_path_factory.mktemp("bert"), with_tokenizer=False)
    pairing().save_pretrained(folder)
    return folder


def test_each_command_shows_a_pair(folder, bert):
    asked = (*PAIR, "--model", bert)
    assert "A:cat" in done("explain", *asked, "--layer", 0, "--head", 0).text
    read = json.loads(done("explain", *asked, "--format", "json").text)
    assert (read["source"]["original"], read["source"]["pair"]) == (FIRST, SECOND)
    assert read["segments"][:5] == [None, 0, 0, 0, None]
    assert read["spans"][read["tokens"].index("A:sat")] == [8, 11]
    done("html", *asked, "-o", "p.html")
    assert "<title>the cat sat / your journeys start" in (folder / "p.html").read_text(encoding="utf-8")
    assert attnviz("capture", *asked, "-o", "p.safetensors").code == 0
    saved_again = json.loads(done("explain", "--from", "p.safetensors", "--format", "json").text)
    assert saved_again["segments"] == read["segments"]
    assert done("stats", *asked, "--words").text != done("stats", *asked).text


def test_one_text_of_a_pair_is_picked(bert):
    rows = done(
        "explain",
        *PAIR,
        "--model",
        bert,
        "--layer",
        0,
        "--head",
        0,
        "--step",
        "weights",
        "--format",
        "csv",
        "--query",
        "B:",
        "--key",
        "cat",
        "--words",
    ).text.splitlines()
    assert [row.split(",")[-2:] for row in rows[1:]] == [
        [word, "A:cat"] for word in ("B:your", "B:journeys", "B:start")
    ]


def test_every_line_has_the_same_pair(bert):
    text = done(
        "explain", "--lines", "--pair", SECOND, "--model", bert, "--layer", 0, "--format", "json", stdin=b"the\ncat\n"
    ).text
    read = [json.loads(line) for line in text.splitlines()]
    assert [trace["tokens"][1] for trace in read] == ["A:the", "A:cat"]
    assert all("B:your" in trace["tokens"] for trace in read)


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (("--model", "tiny"), 1, "the tiny model knows no pairs"),
        ((), 2, "--pair is for a real model"),
    ],
)
def test_where_there_are_no_pairs_it_is_said_in_one_line(options, code, said):
    assert said in problem(attnviz("explain", *PAIR, *options), code)


def test_words_are_refused_where_the_trace_is_saved_whole():
    result = attnviz("explain", FIRST, "--words", "-o", "t.safetensors")
    assert "--words chooses what is shown, but a saved trace is whole" in problem(result, 2)


def test_words_that_no_token_is_a_part_of_are_told():
    result = attnviz("stats", FIRST, "--words")
    assert (result.code, result.stderr) == (0, "attnviz: every token is a word by itself: --words merges none\n")
    assert attnviz("stats", FIRST, "--lines", "--words").stderr == ""


def test_words_and_an_image_are_two_things():
    result = attnviz("heatmap", FIRST, "--words", "--on-image", "a.png")
    assert "--words merges the weights of a layer, and --on-image shows something else" in problem(result, 2)


def test_words_are_told_across_layers_too():
    told = done("stats", "one step", "--tokenizer", "char", "--words", "--across", "rollout", "--format", "csv").stdout
    assert [row.split(",")[1] for row in told.decode().splitlines()[1:]] == ["one", "·", "step"]
    result = attnviz("stats", FIRST, "--words", "--across", "rollout")
    assert result.stderr == "attnviz: every token is a word by itself: --words merges none\n"
