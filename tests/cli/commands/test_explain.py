"""What explain says: the arithmetic, the sentences in two languages, how much is shown."""

from __future__ import annotations

import itertools
import json
import re
import shlex

import pytest
from command_line import SAMPLE, attnviz, done, in_terminal, problem

from attnviz.choices import CONTRIBUTIONS, Language, Step
from attnviz.text.lessons import lessons

TEXTBOOK = "Your journey starts"


def titles(language: Language = Language.EN) -> dict[str, str]:
    return {step.value: lessons(language).messages[f"title.{step.value}"] for step in Step}


def test_the_arithmetic_of_a_pair_is_written_out_as_on_paper():
    text = done("explain", TEXTBOOK, "--query", "journey", "--key", "starts").text
    assert "0.5×0.5 + 0.8×0.8 + 0.6×0.6 = 1.25\n" in text
    assert "1.25 / √3 = 1.25 / 1.7321 = 0.7217\n" in text
    assert "e^0.7217 = 2.0579\n" in text


def test_the_arithmetic_of_every_pair_is_right():
    for query, key in itertools.product(range(3), repeat=2):
        result = done("explain", TEXTBOOK, "--query", query, "--key", key, "--precision", 9, "--causal", "--heads", 2)
        sums = re.findall(r"^  ([-+×/√().\d ]+) = (-?[\d.]+)$", result.text, re.MULTILINE)
        assert len(sums) >= 4
        for left, right in sums:
            factors = left.partition(" = ")[0].replace("×", "*").replace("√4", "2")
            assert eval(factors) == pytest.approx(float(right), abs=1e-7), left


def test_a_query_alone_shows_its_row_and_a_key_alone_its_column():
    row = done("explain", TEXTBOOK, "--query", "journey", "--step", "scores", "--quiet").lines
    assert [line.split()[0] for line in row if "│" in line] == ["Query", "journey"]
    column = done("explain", TEXTBOOK, "--key", "starts", "--step", "scores", "--quiet").lines
    assert [line.split("│")[1].strip() for line in column if "│" in line] == ["starts", "0.76", "1.25", "1.25"]


def test_a_token_is_found_in_any_case_or_by_its_position():
    runs = [done("explain", TEXTBOOK, "--query", word, "--key", 0).text for word in ("journey", "JOURNEY", "1")]
    assert runs[0] == runs[1] == runs[2]


@pytest.mark.parametrize("step", [step for step in Step if step not in (Step.CONCAT, Step.POSITIONS, Step.INPUTS)])
def test_a_step_alone_is_shown_alone(step):
    text = done("explain", TEXTBOOK, "--step", step, "--project", "--quiet").text
    text = re.sub(r"(?m)^.* ↓ .*$", "", text)  # what rows and columns are
    shown = {word for word, title in titles().items() if re.search(rf"^{title}  [^│\n]*$", text, re.MULTILINE)}
    assert shown == {step.value}


def test_steps_stand_in_the_order_of_their_computation():
    text = done("explain", TEXTBOOK, "--heads", 2, "--position", "sinusoidal", "--head", 0).text
    shown = [title for step, title in titles().items() if step not in CONTRIBUTIONS]
    places = [re.search(rf"(?m)(?:^|  ){title}  ", text).start() for title in shown]
    assert places == sorted(places)


def test_heads_are_picked_by_numbers_ranges_and_all():
    def heads(*words: str) -> list[str]:
        arguments = [argument for word in words for argument in ("--head", word)]
        return re.findall(r"^Head (\d)$", done("explain", "a b", "--heads", 4, *arguments).text, re.MULTILINE)

    assert heads() == heads("all") == heads("0-3") == ["0", "1", "2", "3"]
    assert heads("0,2-3") == heads("0", "2-3") == ["0", "2", "3"]


def walked(*arguments: object) -> dict[int, set[str]]:
    """The titles of the steps that are shown of each head."""
    text = done("explain", TEXTBOOK, "--heads", 3, *arguments).text.partition("\nHeads together")[0]
    parts = re.split(r"(?m)^Head (\d).*$", text)[1:]
    found = {title: rf"(?m)(?:^|  ){title}(?:  |$)" for title in titles().values()}
    return {
        int(head): {title for title, pattern in found.items() if re.search(pattern, part)}
        for head, part in zip(parts[::2], parts[1::2], strict=True)
    }


def test_one_head_is_walked_in_full_and_of_the_others_the_weights_and_the_output():
    brief, heads = {"Weights", "Output"}, walked()
    full = heads[0]
    assert full >= {"Projections", "Query", "Key", "Value", "Scores", "Scaled", "Masked", "Weights", "Output"}
    assert heads == {0: full, 1: brief, 2: brief}
    assert walked("--head", "1") == {1: full}
    assert walked("--head", "1-2") == walked("--head", "1,2") == {1: full, 2: brief}
    assert walked("--head", "all") == {0: full, 1: full, 2: full}
    assert walked("--step", "scores,weights") == {head: {"Scores", "Weights"} for head in range(3)}


def test_each_sentence_stands_once_in_all_heads_and_lines():
    for options in (
        ("--head", "all"),
        ("--head", "all", "--causal"),
        ("--step", "scores,scaled,weights"),
        ("--lines",),
    ):
        text = TEXTBOOK if "--lines" not in options else f"{TEXTBOOK}\none step and one step"
        lines = done("explain", text, "--heads", 3, *options).lines
        sentences = [line for line in lines if line.endswith(".") and "`" not in line]
        assert len(sentences) >= 3
        assert len(sentences) == len(set(sentences))


def test_a_line_about_made_up_numbers_stands_above_the_first_of_many_texts_alone():
    made_up = lessons().say("explain.drawn")
    text = done("explain", "a b\nc d\ne f", "--lines").text
    assert text.count(made_up) == 1
    assert text.splitlines()[:2] == ["a b", made_up]
    assert done("explain", "a b\nc d", "--lines", "--format", "markdown").text.count("Made-up numbers") == 1


def test_four_heads_of_six_words_fit_a_few_screens_of_100_columns():
    assert len(in_terminal("explain", SAMPLE, "--heads", 4, columns=100).lines) <= 280


def test_the_last_line_is_a_command_that_goes_on_with_the_same_input(folder):
    def goes_on(*arguments: object) -> list[str]:
        last = done(*arguments).lines[-1]
        assert last.startswith("Next, ")
        return shlex.split(last.partition(": attnviz ")[2])

    pair = goes_on("explain", TEXTBOOK, "--causal", "--heads", 2, "--head", 1)
    assert pair == [
        "explain",
        TEXTBOOK,
        "--heads",
        "2",
        "--causal",
        "--head",
        "1",
        "--query",
        "starts",
        "--key",
        "journey",
    ]
    page = goes_on(*pair)
    assert page == ["html", TEXTBOOK, "--heads", "2", "--causal"]
    assert attnviz(*page).code == 0
    assert goes_on("explain", TEXTBOOK, "--top", 2) == ["heatmap", TEXTBOOK]
    (folder / "text file.txt").write_text("one step and one step")
    again = goes_on("explain", "--file", "text file.txt", "--lang", "en")
    assert again == ["explain", "--file", "text file.txt", "--query", "@4", "--key", "@1"]
    assert attnviz(*again).code == 0


@pytest.mark.parametrize("arguments", [(), ("-",), ("--file", "-")])
def test_a_short_text_that_came_through_a_pipe_is_written_out(arguments):
    last = done("explain", *arguments, "--causal", stdin=b"Your journey\nstarts, here").lines[-1]
    words = shlex.split(last.partition(": attnviz ")[2])
    assert words[:3] == ["explain", "Your journey starts, here", "--causal"]
    piped, again = (
        done("explain", *text, "--causal", "--format", "csv", stdin=stdin).text
        for text, stdin in ((arguments, b"Your journey\nstarts, here"), (words[1:2], None))
    )
    assert piped == again


def test_arrays_and_long_texts_that_came_through_a_pipe_are_not(folder):
    done("explain", TEXTBOOK, "-o", "saved.safetensors")
    saved = (folder / "saved.safetensors").read_bytes()
    assert not done("explain", "--from", "-", stdin=saved).lines[-1].startswith("Next")


@pytest.mark.parametrize(
    ("arguments", "stdin"),
    [
        (("--tokenizer", "char"), b"Your journey\n"),
        ((), b"word " * 40),
        ((TEXTBOOK, "--step", "weights"), None),
        ((TEXTBOOK, "--quiet"), None),
        ((TEXTBOOK, "--lines"), None),
        (("a\tb",), None),
        (("--", "-1 2"), None),
    ],
)
def test_where_no_command_reads_the_same_again_or_no_sentence_is_wanted_there_is_none(arguments, stdin):
    assert not done("explain", *arguments, stdin=stdin).lines[-1].startswith("Next")


def test_a_file_of_tables_holds_the_tables_alone(folder):
    assert done("explain", TEXTBOOK, "-o", "a.txt").text == "a.txt\n"
    assert "attnviz" not in (folder / "a.txt").read_text()


# Words


@pytest.mark.parametrize(
    ("options", "environment"), [(("--lang", "vi"), {}), ((), {"ATTNVIZ_LANG": "vi"}), ((), {"ATTNVIZ_LANG": "VI"})]
)
def test_vietnamese_is_spoken(monkeypatch, options, environment):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    text = done("explain", TEXTBOOK, *options).text
    assert "Trọng số  weights = softmax(masked)" in text
    assert "Mỗi token trở thành một vector gồm 3 số." in text
    assert "Each token" not in text


def test_an_option_overrides_the_language_of_the_environment(monkeypatch):
    monkeypatch.setenv("ATTNVIZ_LANG", "vi")
    assert "Each token becomes a vector" in done("explain", TEXTBOOK, "--lang", "en").text


def test_the_numbers_are_the_same_in_every_language():
    english, vietnamese = (
        re.findall(r"-?\d+\.\d+", done("explain", TEXTBOOK, "--lang", language, "--quiet").text)
        for language in Language
    )
    assert english == vietnamese


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("options", [("--heads", 2, "--causal"), ("--position", "alibi"), ("--query", 0, "--key", 1)])
@pytest.mark.some(2)
def test_quiet_leaves_the_sentences_out_and_nothing_else(language, options):
    loud, quiet = (done("explain", SAMPLE, "--lang", language, *options, *more).lines for more in ((), ("--quiet",)))
    assert any(line.endswith(".") for line in loud)
    assert not any(line.endswith(".") for line in quiet)
    assert not set(quiet).difference(loud)
    assert [line for line in loud if "│" in line or ("=" in line and not line.endswith("."))] == [
        line for line in quiet if "│" in line or "=" in line
    ]


# How much


def test_tokens_beyond_the_most_are_cut_from_the_middle_visibly():
    words = " ".join(f"w{number}" for number in range(20))
    lines = done("explain", words, "--max-tokens", 6, "--step", "scores").lines
    header = next(line for line in lines if line.startswith("Query"))
    rows = [line.split("│")[0].strip() for line in lines if "│" in line][1:]
    assert rows == ["w0", "w1", "w2", "… 14 more …", "w17", "w18", "w19"]
    assert re.split(r"\s{2,}", header.split("│")[1].strip()) == rows
    assert "… 14 more …" not in done("explain", words, "--max-tokens", 20).text


def test_the_arithmetic_of_long_texts_is_cut_visibly():
    words = " ".join(f"w{number}" for number in range(20))
    text = done("explain", words, "--query", 0, "--key", 1, "--max-tokens", 6).text
    assert text.count("… 14 more …") == 3
    assert len([line for line in text.splitlines() if line.startswith("  w")]) == 6


@pytest.mark.parametrize("precision", [0, 1, 2, 6, 12])
def test_no_number_has_more_decimals_than_asked_for(precision):
    text = done("explain", TEXTBOOK, "--heads", 2, "--precision", precision, "--step", "weights", "--quiet").text
    assert max(map(len, re.findall(r"\d\.(\d+)", text)), default=0) == (precision or 2)


def test_whole_numbers_have_no_decimals(folder):
    (folder / "own.json").write_text('{"a": [1, 2, 3], "b": [2, 1, 0]}')
    text = done("explain", "a b", "--embeddings", "own.json", "--no-scale", "--step", "scores", "--quiet").text
    assert re.findall(r"\d+\.\d+", text.partition("Scores")[2]) == []


def test_the_rows_of_the_weights_are_summed():
    lines = done("explain", SAMPLE, "--heads", 2, "--step", "weights", "--quiet").lines
    sums = [line.split()[-1] for line in lines if "│" in line and "Query" not in line]
    assert len(sums) == 12
    assert {float(number) for number in sums} == {1.0}


def test_hidden_cells_are_infinite_before_softmax_and_zero_after_it():
    masked = done("explain", SAMPLE, "--causal", "--step", "masked", "--quiet").text
    assert masked.count("−∞") == 15 + 1  # and once in the formula
    weights = done("explain", SAMPLE, "--causal", "--step", "weights", "--quiet").text
    assert "−∞" not in weights


def test_the_first_layer_of_several_is_shown_with_a_notice(folder):
    from attnviz import Layer, Trace

    arrays = [[[1.0], [2.0]]] * 3
    Trace(("a", "b"), (Layer(*arrays, index=3), Layer(*arrays, index=7))).save(folder / "two.safetensors")
    result = attnviz("explain", "--from", "two.safetensors")
    assert (result.code, result.stderr) == (0, "attnviz: showing layer 3 of 2; --layer N or --layer all shows others\n")
    assert re.findall(r"^Layer (\d)", result.text, re.MULTILINE) == ["3"]
    result = done("explain", "--from", "two.safetensors", "--layer", "all")
    assert re.findall(r"^Layer (\d)", result.text, re.MULTILINE) == ["3", "7"]


# Some queries and keys


def rows(*arguments: object) -> list[list[str]]:
    """The cells of the one table that is shown, its header first, without the line below it."""
    lines = done("explain", *arguments, "--quiet").lines
    return [line.replace("│", " ").split() for line in lines if "│" in line]


def test_a_range_shows_the_rows_and_columns_that_a_whole_table_has_there():
    whole = rows(SAMPLE, "--step", "scaled", "--causal")
    part = rows(SAMPLE, "--step", "scaled", "--causal", "--query", "1:4", "--key", ":2")
    assert [line[:1] + line[1:3] for line in whole[2:5]] == part[1:]
    assert part[0][-2:] == ["Your", "journey"]


@pytest.mark.parametrize(("word", "same"), [("@1", "1:2"), ("journey", "1:2"), ("1", "1:2")])
@pytest.mark.parametrize("side", ["--query", "--key"])
@pytest.mark.some(2)
def test_a_token_shows_the_table_of_a_range_of_one(side, word, same):
    for step in ("scores", "masked", "weights"):
        assert rows(SAMPLE, "--step", step, side, word) == rows(SAMPLE, "--step", step, side, same)


def test_a_range_of_keys_changes_no_embeddings_and_leaves_out_what_is_said_of_the_whole_row():
    whole, text = (done("explain", SAMPLE, "--query", "1:3", *more).text for more in ((), ("--key", "3:5")))
    assert whole[whole.index("Embeddings") : whole.index("\nScores")] in text
    assert "`starts` looks most, and equally, at `journey`, `starts`" in whole
    assert "looks most" not in text  # the keys at which it looks most are not shown
    assert "The weights of a row add up to 1." in whole
    assert "add up to 1" not in text


def test_what_a_range_shows_is_told_of_these_alone():
    text = done("explain", SAMPLE, "--causal", "--query", "4:6", "--key", "0:3", "--step", "masked").text
    assert "−∞" not in text
    text = done("explain", SAMPLE, "--causal", "--query", "0:2", "--key", "0:2", "--step", "masked").text
    assert "Hidden cells: 1 of 4" in text


def test_a_range_holds_in_markdown_too():
    lines = done("explain", SAMPLE, "--query", "1:3", "--step", "scores", "--format", "markdown").lines
    assert [line.split("|")[1].strip() for line in lines if line.startswith("|")][2:] == ["journey", "starts"]


def test_a_query_and_a_range_of_keys_are_a_table_and_no_arithmetic():
    assert [line[0] for line in rows(TEXTBOOK, "--query", "journey", "--key", "0:2", "--step", "scores")][1:] == [
        "journey"
    ]


def test_the_arithmetic_has_no_single_steps():
    result = attnviz("explain", TEXTBOOK, "--query", 0, "--key", 1, "--step", "scores")
    assert problem(result, 2) == "--query with --key writes out the arithmetic of all steps"


@pytest.mark.parametrize("side", ["query", "key"])
@pytest.mark.parametrize("command", [["explain"], ["heatmap"], ["html", "-o", "-"], ["stats"]])
@pytest.mark.parametrize(
    ("word", "code", "message"),
    [
        ("SAT", 1, "{side} token SAT stands at the positions 1, 3"),
        ("dog", 1, "no {side} token dog: there are cat (0), sat (1), mat (2), Sat (3)"),
        ("9", 1, "no {side} 9: there are 4 {sides}, at the positions 0 to 3"),
        ("1:9", 1, "--{side} 1:9: there are 4 {sides}, at the positions 0 to 3"),
        ("2:1", 2, "--{side} 2:1: the range is empty"),
    ],
)
@pytest.mark.some(12)
def test_queries_and_keys_mean_the_same_in_every_command(command, side, word, code, message):
    result = attnviz(*command, "cat sat mat Sat", f"--{side}", word)
    sides = {"query": "queries", "key": "keys"}[side]
    assert problem(result, code) == message.format(side=side, sides=sides)


# What is not there


def test_a_step_that_is_not_there_is_said_where_others_are():
    result = attnviz("explain", TEXTBOOK, "--step", "weights,concat")
    notice = "attnviz: there is nothing to show for concat: it joins the outputs of several heads\n"
    assert (result.code, result.stderr) == (0, notice)
    assert result.stdout == done("explain", TEXTBOOK, "--step", "weights").stdout
    result = attnviz("explain", TEXTBOOK, "--step", "weights,positions,projected", "--format", "json")
    assert result.stderr == "attnviz: there is nothing to show for positions or projected\n"


def test_where_no_step_is_there_it_is_an_error():
    assert problem(attnviz("explain", TEXTBOOK, "--step", "concat"), 1) == "there is nothing to show for concat"


def test_steps_that_nobody_named_are_not_missed():
    assert done("explain", TEXTBOOK).stderr == ""
    assert done("explain", TEXTBOOK, "--heads", 2, "--step", "weights,concat").stderr == ""


# Formats


@pytest.mark.parametrize("suffix", ["txt", "json", "csv", "md", "safetensors"])
def test_the_name_of_the_file_is_printed(folder, suffix):
    assert done("explain", TEXTBOOK, "-o", f"a.{suffix}").text == f"a.{suffix}\n"
    assert (folder / f"a.{suffix}").stat().st_size


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--format", "csv", "--step", "projections"), "CSV has no projections"),
        (("--format", "csv", "--top", "3"), "--top is for tables, and csv holds every key"),
        (("--format", "json", "--query", "0"), "--query and --key choose rows of a table; JSON always holds all"),
        (("--format", "json", "--key", "0:1"), "--query and --key choose rows of a table; JSON always holds all"),
        (("-o", "a.safetensors", "--lines"), "a .safetensors file holds one trace, but --lines makes many"),
        (("-o", "a.safetensors", "--query", "0"), "--query chooses what is shown, but a saved trace is whole"),
        (("-o", "a.safetensors", "--step", "weights"), "--step chooses what is shown, but a saved trace is whole"),
        (("--format", "safetensors"), "a trace is saved to a .safetensors file"),
    ],
)
def test_options_that_a_format_has_no_use_for_are_wrong_usage(folder, arguments, message):
    assert problem(attnviz("explain", TEXTBOOK, *arguments), 2) == message
    assert list(folder.iterdir()) == []


# Long texts


@pytest.fixture(scope="module")
def long(tmp_path_factory):
    """A trace of two heads whose maps are too long for a table, causal."""
    import numpy

    from attnviz import Layer, Rule, Trace

    query, key, value = numpy.random.default_rng(0).standard_normal((3, 2, 1100, 4))
    path = tmp_path_factory.mktemp("long") / "long.safetensors"
    Trace(tuple(f"w{place}" for place in range(1100)), (Layer(query, key, value, Rule(causal=True)),)).save(path)
    return path


def test_of_a_long_text_a_range_of_queries_shows_the_top_keys_of_each(long):
    text = done("explain", "--from", long, "--head", 0, "--query", "700:703", "--top", 2).text
    singles = [
        done("explain", "--from", long, "--head", 0, "--query", f"@{place}", "--top", 2).text
        for place in (700, 701, 702)
    ]
    for place, single in zip((700, 701, 702), singles, strict=True):
        table = single[single.index("│") - 30 :]
        assert f"w{place}" in text
        assert table.splitlines()[-1] in text
    assert text.count("other Keys that it sees") == 3


def test_of_a_long_text_a_range_of_keys_shows_the_top_queries_of_each(long):
    text = done("explain", "--from", long, "--key", "5:7", "--top", 2).text
    assert text.count("Queries that see it") == 4  # two keys, two heads
    single = done("explain", "--from", long, "--key", "@6", "--head", 1, "--top", 2).text
    assert single.splitlines()[-2] in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--query", "3:5", "--key", "3:5"), "the top keys of a query, or the top queries of a key, are shown"),
        (("--query", "@3", "--key", "3:5"), "the top keys of a query, or the top queries of a key, are shown"),
        (("--query", "3:5", "--key", "@3"), "the top keys of a query, or the top queries of a key, are shown"),
        (("--key", "3:50"), "47 keys are too many to show the top queries of each"),
    ],
)
def test_of_a_long_text_not_every_part_is_a_table(long, arguments, message):
    assert problem(attnviz("explain", "--from", long, *arguments), 1).startswith(message)


def test_of_a_long_text_csv_holds_any_part(long):
    def values(*arguments: object) -> dict[tuple[str, ...], str]:
        lines = done("explain", "--from", long, "--head", 1, "--step", "weights", "--format", "csv", *arguments).lines
        return {tuple(line.split(",")[3:5]): line.split(",")[5] for line in lines[1:]}

    part = values("--query", "500:503", "--key", "498:501")
    assert sorted(part) == sorted((str(query), str(key)) for query in range(500, 503) for key in range(498, 501))
    for query in range(500, 503):
        row = values("--query", f"@{query}")
        assert all(
            float(part[cell]) == pytest.approx(float(row[cell]), rel=1e-6) for cell in part if cell[0] == str(query)
        )


def test_a_long_text_says_how_far_it_is(long):
    from attnviz.cli.commands.explain import _reported
    from attnviz.progress import no_progress
    from attnviz.trace.selection import select
    from attnviz.trace.trace import load

    with _reported(select(load(long))) as report:
        assert report is not no_progress
        report(1, 2)
    from attnviz import trace_text

    with _reported(select(trace_text("a b"))) as report:
        assert report is no_progress


def test_a_trace_without_a_file_is_refused_before_a_model_is_loaded():
    result = attnviz("explain", "a", "--model", "none/such", "--format", "safetensors")
    assert problem(result, 2) == "a trace is saved to a .safetensors file"


def test_without_decimals_neither_the_scale_nor_the_weights_are_0_and_1():
    text = done("explain", "Your journey starts", "--causal", "--precision", 0).text
    assert "scale: 0.58" in text
    assert "that is × 0.58:" in text
    assert re.findall(r"(?m)^journey +│ 0.43 +0.57 +· +1$", text)
    assert "scores × 0.58" in done("explain", "a b", "--scale", 0.577, "--precision", 0).text


@pytest.fixture(scope="module")
def llama(tmp_path_factory):
    from tiny_models import saved  # not for tests that need no torch

    return saved("Llama", tmp_path_factory.mktemp("llama"))


def test_contributions_go_toward_a_token_of_the_model_or_a_captured_one(llama, tmp_path):
    asked = ("--step", "contribution", "--toward", "cat", "--format", "json")
    told = done("explain", "the cat sat", "--model", llama, "--layer", 1, *asked).text
    captured = attnviz("capture", "the cat sat", "--model", llama, "--toward", "cat", "-o", tmp_path / "t.safetensors")
    assert captured.code == 0
    saved = "explain", "--from", tmp_path / "t.safetensors", "--layer", 1
    again = attnviz(*saved, *asked).text
    ours, kept = (json.loads(one)["layers"][0] for one in (told, again))
    assert ours["toward"].strip() == "cat"
    for one, other in zip(ours["heads"], kept["heads"], strict=True):
        assert one["contribution"] == [pytest.approx(row, abs=1e-6) for row in other["contribution"]]
    assert min(min(row) for head in ours["heads"] for row in head["contribution"]) < 0
    plain = json.loads(attnviz(*saved, *asked[:2], *asked[4:]).text)["layers"][0]
    assert "toward" not in plain
    assert min(min(row) for head in plain["heads"] for row in head["contribution"]) >= 0


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--toward", "@output"), 2, "--toward is of contributions"),
        (("--step", "contribution", "--toward", "cat"), 1, "no direction of cat is known here"),
        (
            ("--model", "tiny", "--step", "contribution", "--toward", "cat"),
            1,
            "the model in the package tells no direction",
        ),
        (("--model", "LLAMA", "--step", "contribution", "--toward", "qqxyz"), 1, "qqxyz is 5 tokens to this model"),
    ],
)
def test_a_direction_that_cannot_be_is_one_line(arguments, code, said, llama):
    words = [llama if one == "LLAMA" else one for one in arguments]
    assert problem(attnviz("explain", "the cat", *words), code).startswith(said)


@pytest.mark.parametrize(
    ("form", "begins"), [("markdown", b"#"), ("latex", b"%"), ("html", b"<"), ("csv", b"layer"), ("json", b"{")]
)
def test_words_in_place_of_tokens_in_every_format(form, begins):
    result = attnviz("explain", "ab cd", "--tokenizer", "char", "--words", "--format", form)
    assert (result.code, result.stderr) == (0, "")
    assert begins in result.stdout[:200]
    assert b"ab" in result.stdout


def test_words_have_weights_alone():
    assert "--words merges weights" in problem(
        attnviz("explain", "ab cd", "--tokenizer", "char", "--words", "--step", "scores"), 2
    )
    assert "CSV has no projections" in problem(attnviz("explain", "a b", "--step", "projections", "--format", "csv"), 2)
