"""What explain says: the arithmetic, the sentences in two languages, how much is shown."""

from __future__ import annotations

import itertools
import re

import pytest
from command_line import SAMPLE, attnviz, done

from attnviz.choices import Language, Step
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
    shown = {word for word, title in titles().items() if re.search(rf"^{title}  [^│\n]*$", text, re.MULTILINE)}
    assert shown == {step.value}


def test_steps_stand_in_the_order_of_their_computation():
    text = done("explain", TEXTBOOK, "--heads", 2, "--position", "sinusoidal", "--head", 0).text
    places = [text.index(f"\n{title}  ") for title in titles().values()]
    assert places == sorted(places)


def test_heads_are_picked_by_numbers_ranges_and_all():
    def heads(*words: str) -> list[str]:
        arguments = [argument for word in words for argument in ("--head", word)]
        return re.findall(r"^Head (\d)$", done("explain", "a b", "--heads", 4, *arguments).text, re.MULTILINE)

    assert heads() == heads("all") == heads("0-3") == ["0", "1", "2", "3"]
    assert heads("0,2-3") == heads("0", "2-3") == ["0", "2", "3"]


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
def test_quiet_leaves_the_sentences_out_and_nothing_else(language, options):
    loud, quiet = (done("explain", SAMPLE, "--lang", language, *options, *more).lines for more in ((), ("--quiet",)))
    left_out = [line for line in loud if line not in quiet]
    assert left_out
    assert all(line.endswith((".", ")")) for line in left_out)
    assert [line for line in loud if line not in left_out and line] == [line for line in quiet if line]


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
    assert max(map(len, re.findall(r"\d\.(\d+)", text)), default=0) == precision


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
