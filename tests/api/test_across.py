"""attnviz.across, and heatmap(across=…): the same as the commands, and one line for what cannot be."""

from dataclasses import replace

import pytest
from command_line import done
from followed_traces import layered
from pictured import pictured_trace
from PIL import Image

import attnviz
from attnviz import AttnvizError
from attnviz.trace.token_facts import TokenFacts

TRACE = layered(3, 5, "causal")


@pytest.fixture
def saved(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    TRACE.save("trace.safetensors")
    return "--from", "trace.safetensors"


@pytest.mark.parametrize(
    ("options", "given"),
    [
        ({"across": "rollout"}, ["--across", "rollout"]),
        ({"across": "flow", "query": "w3"}, ["--across", "flow", "--query", "w3"]),
        (
            {
                "across": "rollout",
                "heads_as": "contribution",
                "residual": 0.2,
                "layer": "0-1",
                "head": [1, 2],
                "key": "0:3",
            },
            [
                "--across",
                "rollout",
                "--heads-as",
                "contribution",
                "--residual",
                "0.2",
                "--layer",
                "0-1",
                "--head",
                "1,2",
                "--key",
                "0:3",
            ],
        ),
    ],
)
@pytest.mark.some(2)
def test_the_calls_and_the_commands_give_the_same(saved, options, given):
    found = attnviz.across(TRACE, **options)
    for form, shares, values in (
        ("json", found.to_json(), found.map_json()),
        ("csv", found.to_csv(), found.map_csv()),
    ):
        assert done("stats", *saved, *given, "--format", form).text == shares
        assert done("heatmap", *saved, *given, "--format", form, "-o", "-").text == values
    assert done("stats", *saved, *given).text == str(found)
    TRACE.heatmap("called.svg", **options)
    done("heatmap", *saved, *given, "-o", "commanded.svg")
    with open("called.svg", "rb") as called, open("commanded.svg", "rb") as commanded:
        assert called.read() == commanded.read()


def test_it_is_laid_over_an_image_as_the_command_lays_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    trace, image = pictured_trace(), Image.new("RGB", (30, 20), "teal")
    trace.save("seen.safetensors")
    image.save("a.png")
    trace.heatmap("called.svg", across="rollout", query="25,15", on_image="a.png")
    given = ("--across", "rollout", "--query", "25,15", "--on-image", "a.png", "-o", "commanded.svg")
    done("heatmap", "--from", "seen.safetensors", *given)
    with open("called.svg", "rb") as called, open("commanded.svg", "rb") as commanded:
        assert called.read() == commanded.read()
    with pytest.raises(AttnvizError, match="what across follows does not move on an image"):
        trace.heatmap("moving.gif", across="rollout", on_image=image)


def test_it_speaks_vietnamese():
    assert str(attnviz.across(TRACE, "flow", language="vi")).startswith("Luồng attention")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"across": "rolling"}, "across is 'rolling': expected one of rollout, flow"),
        ({"across": "flow", "heads_as": "sum"}, "heads_as is 'sum': expected one of mean, max, contribution"),
        ({"across": "flow", "residual": 2}, "residual is 2: expected a number from 0 to 1"),
    ],
)
def test_what_is_wrong_is_one_line(options, said):
    with pytest.raises(AttnvizError, match=said):
        attnviz.across(TRACE, **options)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"residual": 0.2}, "residual is for across, which is not given"),
        ({"heads_as": "max"}, "heads_as is for across, which is not given"),
        ({"across": "rollout", "step": "scores"}, "and step has no place there"),
        ({"across": "rollout", "compare": "causal"}, "and compare has no place there"),
    ],
)
def test_what_makes_no_sense_in_a_picture_is_one_line(options, said):
    with pytest.raises(AttnvizError, match=said):
        TRACE.heatmap(**options)


def test_words_are_told_as_the_command_tells_them(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    replace(layered(3, 7, "causal"), facts=TokenFacts(words=(0, 0, 1, 2, 2, 2, 3))).save("words.safetensors")
    found = attnviz.across(attnviz.load("words.safetensors"), "rollout", words=True)
    given = ("--from", "words.safetensors", "--across", "rollout", "--words", "--format", "json")
    assert done("stats", *given).text == found.to_json()
    assert len(found.values[0]) == 4


def test_what_only_says_how_and_what_has_no_place_are_one_line():
    with pytest.raises(AttnvizError, match="residual is for across, which is not given"):
        TRACE.heatmap(residual=0.3)
    with pytest.raises(AttnvizError, match="has no place there"):
        TRACE.heatmap(across="rollout", compare="causal")
