"""attnviz html: where the page goes, what it holds, and what is refused."""

from __future__ import annotations

import re
import webbrowser

import pytest
from command_line import attnviz, done, problem, program

from attnviz import trace_text
from attnviz.renderers.page.limits import bare_size


def test_a_page_is_written_and_its_path_printed(folder):
    assert done("html", "Your journey starts").text == "attention.html\n"
    page = (folder / "attention.html").read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>\n")
    assert "<title>Your journey starts · attnviz</title>" in page
    assert [path.name for path in folder.iterdir()] == ["attention.html"]


def test_a_pipe_in_and_a_pipe_out():
    result = program("html", "-o", "-", stdin=b"the cat sat")
    assert (result.code, result.stderr) == (0, "")
    assert "<title>the cat sat" in result.text


def test_a_saved_trace_and_a_text_give_the_same_page(folder):
    done("explain", "Your journey starts", "--heads", "4", "--causal", "-o", "t.safetensors")
    done("html", "--from", "t.safetensors", "--head", "1,2", "-o", "saved.html")
    done("html", "Your journey starts", "--heads", "4", "--causal", "--head", "1,2", "-o", "text.html")
    assert (folder / "saved.html").read_bytes() == (folder / "text.html").read_bytes()


def test_the_language_is_an_option_or_a_variable(monkeypatch):
    assert '<html lang="vi">' in done("html", "a b", "--lang", "vi", "-o", "-").text
    monkeypatch.setenv("ATTNVIZ_LANG", "vi")
    assert '<html lang="vi">' in done("html", "a b", "-o", "-").text


def test_it_is_opened_in_the_browser(folder, monkeypatch):
    asked = []
    monkeypatch.setattr(webbrowser, "open", lambda address: asked.append(address) or True)
    done("html", "a b", "-o", "a b.html", "--open")
    assert asked == [(folder / "a b.html").as_uri()]
    monkeypatch.setattr(webbrowser, "open", lambda _: False)
    result = attnviz("html", "a b", "--open")
    assert (result.code, result.stderr) == (0, "attnviz: found no browser to open attention.html with\n")


@pytest.mark.slow
def test_a_page_without_room_for_every_pair_says_so(folder):
    words, size = " ".join(f"w{place}" for place in range(420)), f"{round(bare_size() / 1e6 + 0.4, 2):g}"
    result = attnviz("html", words, "--heads", "6", "--dim", "768", "--causal", "--max-size", size, "--pool", "max")
    assert (result.code, result.text) == (0, "attention.html\n")
    assert result.stderr == (
        f"attnviz: Query, Key and Value of 6 heads do not fit into {size} MB: each map has 210 × 210 cells of 2 × 2 tokens, max; "
        "--max-size makes room for more, --layer and --head choose heads\n"
    )
    assert (folder / "attention.html").stat().st_size < float(size) * 1e6


@pytest.mark.slow
def test_a_page_that_is_too_large_is_not_written(folder):
    words, size = " ".join(f"w{place}" for place in range(200)), f"{round(bare_size() / 1e6 + 0.07, 2):g}"
    result = attnviz("html", words, "--heads", "8", "--dim", "512", "--max-size", size)
    assert re.fullmatch(rf"the page would take [\d.]+ MB, and {size} are the most that it may", problem(result, 1))
    fits = r"(heads of one layer fit: select them|one head of one layer fits: select it)"
    assert re.search(rf"{fits} with --layer and --head, or raise --max-size", result.stderr)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("-o", "page.png"), "page.png: its suffix is not .html"),
        (("-o", "-", "--open"), "--open opens a file, and -o - writes none"),
        (("--max-size", "0"), "Invalid value for '--max-size': 0 is out of range: it must be at least 0.1"),
    ],
)
def test_wrong_usage(folder, arguments, message):
    assert problem(attnviz("html", "a b", *arguments), 2) == message
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("name", ["a.htm", "a.HTML", "page"])
def test_names_that_a_page_may_have(name):
    assert done("html", "a b", "-o", name).text == f"{name}\n"


def test_layers_and_heads_that_do_not_exist():
    assert problem(attnviz("html", "a b", "--head", "3"), 1) == "head 3 does not exist: layer 0 has only head 0"


@pytest.mark.parametrize(
    "options", [{"step": "contribution"}, {"toward": "@output"}, {"step": "scaled", "toward": "@output"}]
)
def test_it_opens_with_the_step_and_measures_along_the_direction_as_the_call_does(folder, options):
    words = [word for name, value in options.items() for word in (f"--{name}", value)]
    done("html", "the cat sat", "--heads", "2", *words, "-o", "page.html")
    assert (folder / "page.html").read_text(encoding="utf-8") == trace_text("the cat sat", heads=2).to_html(**options)


def test_a_part_of_a_text_is_weights_alone_and_opens_with_these():
    result = attnviz("html", "a b c d", "--query", "0:2", "--step", "scores")
    assert (result.code, result.text) == (0, "attention.html\n")
    assert result.stderr == "attnviz: the page holds weights alone, so it opens with these in place of scores\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--step", "output"], "'output' is not one of scores, scaled, masked, weights, contribution, summed"),
        (["--heads", "2", "--step", "summed", "--head", "1"], "--step summed is of all heads of a layer together"),
        (["--words", "--toward", "@output"], "--words merges weights: contribution cannot be shown of words"),
        (["--toward", "cat"], "no direction of cat is known here"),
    ],
)
def test_what_a_page_has_not_is_refused(folder, words, message):
    result = attnviz("html", "a b", *words)
    assert result.code in (1, 2)
    assert message in result.stderr
    assert list(folder.iterdir()) == []
