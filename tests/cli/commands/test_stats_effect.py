"""stats --metric effect: a table, data, or a map; of one text or many, of any model that predicts; and what is refused."""

from __future__ import annotations

import csv
import json

import pytest
from array_files import SAMPLES
from command_line import attnviz, done, problem
from headless_models import gap_tokenizer, network
from tiny_models import saved

from attnviz.analysis.effects import measure_effects
from attnviz.cli.commands import stats_effect
from attnviz.cli.input.many import of_lines
from attnviz.sources.huggingface.model import Model
from attnviz.sources.huggingface.predictor import ModelPredictor

TEXT = "the queen met the actor . she"
EFFECT = ("--model", "tiny", "--metric", "effect")


@pytest.fixture
def bert(tmp_path):
    folder = saved("Bert", tmp_path / "bert", with_tokenizer=False)
    gap_tokenizer().save_pretrained(folder)
    return folder


def values(*arguments, **options):
    found = json.loads(done("stats", *arguments, "--format", "json", **options).text)
    return {(head["layer"], head["head"]): head["metrics"] for head in found["heads"]}


def test_the_table_has_the_head_first_that_the_answer_needs():
    lines = done("stats", TEXT, *EFFECT, "--answer", "rules", "--sort", "probability").lines
    assert lines[0].endswith("probability of “rules” with all heads: 0.999")
    assert lines[5].split() == ["layer", "1", "·", "2", "│", "-0.001", "-0.861", "0.292"]
    assert lines[-1].startswith("A small effect does not mean")


def test_the_formats_hold_the_same(folder):
    known = values(TEXT, *EFFECT, "--answer", "rules")
    rows = list(csv.DictReader(done("stats", TEXT, *EFFECT, "--answer", "rules", "--format", "csv").lines))
    assert len(rows) == 3 * 8
    for row in rows:
        assert float(row["mean"]) == known[int(row["layer"]), int(row["head"])][row["metric"]]["mean"]
    for name in ("effects.svg", "effects.csv", "effects.txt"):
        assert done("stats", TEXT, *EFFECT, "-o", name).text == f"{name}\n"
        assert (folder / name).stat().st_size


def test_a_picture_without_a_name_is_heads(folder):
    assert done("stats", TEXT, *EFFECT, "--format", "png").text == "heads.png\n"
    assert (folder / "heads.png").read_bytes().startswith(b"\x89PNG")


def test_parts_and_zero_are_those_of_the_analysis():
    whole, part = values(TEXT, *EFFECT), values(TEXT, *EFFECT, "--layer", "1", "--head", "2-3")
    assert part == {place: whole[place] for place in ((1, 2), (1, 3))}
    assert values(TEXT, *EFFECT, "--ablate", "zero") != whole


def test_over_lines_it_is_the_mean_and_the_deviation():
    found = values("--lines", *EFFECT, stdin=f"{TEXT}\nwe learn word by\n".encode())
    both = [values(text, *EFFECT) for text in (TEXT, "we learn word by")]
    for place, metrics in found.items():
        first, second = (one[place]["loss"]["mean"] for one in both)
        assert metrics["loss"] == pytest.approx(
            {"mean": (first + second) / 2, "deviation": abs(first - second) / 2**0.5, "count": 2}
        )


PARTS = ("--layer", "1", "--head", "0-1", "--answer", "rules")
LINES = b"the queen met the actor . she\nwe learn word by\nthe dogs near the cat\n"


def test_rows_quantiles_and_top_texts_are_those_of_each_text(folder):
    options = ("--quantiles", "0,0.5,1", "--top-texts", "1", "--by-text", "rows.csv")
    result = attnviz("stats", "--lines", *EFFECT, *PARTS, *options, "--format", "json", stdin=LINES)
    assert "a row for each text and head: rows.csv" in result.stderr
    rows = list(csv.DictReader((folder / "rows.csv").read_text().splitlines()))
    assert [*rows[0]] == ["text", "tokens", "layer", "name", "head", "loss", "probability", "kl"]
    assert [row["text"] for row in rows] == ["line 1", "line 1", "line 2", "line 2", "line 3", "line 3"]
    alone = [values(text, *EFFECT, *PARTS) for text in LINES.decode().splitlines()]
    for row in rows:
        metrics = alone[int(row["text"][5:]) - 1][int(row["layer"]), int(row["head"])]
        assert {name: float(row[name]) for name in metrics} == {name: one["mean"] for name, one in metrics.items()}
    for head in json.loads(result.text)["heads"]:
        for name, found in head["metrics"].items():
            known = sorted(one[head["layer"], head["head"]][name]["mean"] for one in alone)
            assert [*found["quantiles"].values()] == pytest.approx(known, rel=1e-6)  # kept in float32
            most = known[0] if name == "probability" else known[-1]  # which falls without the head
            assert [one["value"] for one in found["top_texts"]] == [most]


def test_the_table_tells_quantiles_and_top_texts():
    options = ("--quantiles", "0.5", "--top-texts", "1", "--lang", "vi")
    lines = done("stats", "--lines", *EFFECT, *PARTS, *options, stdin=LINES).lines
    assert "trong ngoặc là giá trị mà những phần văn bản sau đây nằm dưới: 0.5" in lines[1]
    assert [line.count("(") for line in lines if line.startswith("lớp 1 · ")] == [3, 3]
    below = lines[lines.index("") + 1 :]
    assert any(line.startswith("Với mỗi độ đo, đầu mà thiếu nó thì tệ nhất") for line in below)
    assert sum(line.startswith("  ") and "dòng " in line for line in below) == 3


def test_a_worker_measures_what_this_process_does(folder):
    options = (*EFFECT, *PARTS, "--quantiles", "0.5", "--top-texts", "1", "--max-length", "4", "--cut")
    for name, by in (("a", ()), ("b", ("--workers", "1"))):
        files = ("--by-text", f"{name}.csv", "-o", f"{name}.stats")
        assert attnviz("stats", "--lines", *options, *by, *files, stdin=LINES).code == 0
    assert (folder / "a.csv").read_text() == (folder / "b.csv").read_text()
    assert (folder / "a.stats").read_bytes() == (folder / "b.stats").read_bytes()


def test_long_texts_are_skipped_or_cut():
    result = attnviz("stats", "--lines", *EFFECT, *PARTS, "--max-length", "4", stdin=LINES)
    assert "line 1 skipped: the text has 7 tokens, more than the 4 that are asked for" in result.stderr
    assert "texts: 1 · tokens: 4 · skipped: 2" in result.lines[0]
    cut = values("--lines", *EFFECT, *PARTS, "--max-length", "4", "--cut", stdin=LINES)
    short = b"the queen met the\nwe learn word by\nthe dogs near the\n"
    assert cut == values("--lines", *EFFECT, *PARTS, stdin=short)
    assert "--cut is for many texts" in problem(attnviz("stats", TEXT, *EFFECT, "--cut"), 2)
    assert "--batch is for weights" in problem(attnviz("stats", "--lines", *EFFECT, "--batch", "4", stdin=LINES), 2)


def test_a_single_token_is_refused_by_the_mean_and_has_no_loss_without_it():
    assert "the text is a single token" in problem(attnviz("stats", "queen", *EFFECT), 1)
    lines = done("stats", "queen", *EFFECT, "--ablate", "zero").lines
    assert "There is no loss: the text has no token that the model predicts." in lines
    assert all("│    –" in line for line in lines if line.startswith("layer"))
    result = attnviz("stats", "--lines", *EFFECT, stdin=b"queen\nthe queen met\n")
    assert "line 1 skipped: the text is a single token" in result.stderr


def test_a_file_that_is_read_is_not_written(folder):
    (folder / "a.csv").write_text("the queen met\n")
    result = attnviz("stats", "--lines", "--file", "a.csv", *EFFECT, "--by-text", "a.csv")
    assert "--by-text and --file name the same file" in problem(result, 2)
    assert (folder / "a.csv").read_text() == "the queen met\n"


def test_a_line_that_cannot_be_read_is_skipped_and_the_answer_is_not():
    long = "the " * 2000
    result = attnviz("stats", "--lines", *EFFECT, stdin=f"{long}\n{TEXT}\n".encode())
    assert result.code == 0
    assert "line 1 skipped: the text has 2,000 tokens" in result.stderr
    assert "skipped: 1" in result.lines[0]
    result = attnviz("stats", "--lines", *EFFECT, "--answer", "xyzzy", stdin=f"{TEXT}\n".encode())
    assert "the token xyzzy is not in the vocabulary" in problem(result, 1)


def test_a_word_that_is_read_by_its_letters_is_told():
    assert "by their letters (blorf)" in attnviz("stats", "the blorf met", *EFFECT).stderr


def test_a_real_model_is_run_with_its_head(model_folder):
    found = values(
        "the cat sat", "--model", model_folder, "--metric", "effect", "--answer", "the", "--dtype", "float64"
    )
    predictor = ModelPredictor(Model(network("Llama"), "Llama", Model.load(str(model_folder)).tokenizer))
    expected = measure_effects(predictor.read("the cat sat"), predictor.answer("the"))
    for layer in expected.layers:
        for head in layer.heads:
            means = [one["mean"] for one in found[layer.layer.number, head].values()]
            assert means == pytest.approx(layer.values[:, head].tolist(), abs=1e-12)


def test_a_model_that_fills_gaps(bert):
    options = ("--model", bert, "--metric", "effect")
    assert "probability of “king”" in done("stats", "the [MASK] met we", *options, "--answer", "king").lines[0]
    assert done("stats", "the king met we", *options).lines[3].split("│")[1].split() == ["loss", "kl"]
    assert "tokens: 7" in done("stats", "the king", *options, "--pair", "we list", "--layer", "0").lines[0]
    result = attnviz("stats", "the king", *options, "--answer", "king")
    assert "the text has no place for the answer king: a model that fills gaps needs one gap" in problem(result, 1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ("--from", SAMPLES / "cached.npz"),
            "--from brings what a model has computed, and --metric effect runs the model",
        ),
        (("a b",), "--metric effect takes heads away from a model that predicts, and a toy predicts nothing"),
        (
            ("a b", "--from", SAMPLES / "cached.npz", "--model", "tiny"),
            "--model and --from: which of the two is meant?",
        ),
    ],
)
def test_what_brings_no_model_is_refused(options, message):
    assert message in problem(attnviz("stats", *options, "--metric", "effect"), 2)


@pytest.mark.parametrize(
    ("option", "name"),
    [
        (("--query", "1"), "query"),
        (("--key", "1"), "key"),
        (("--skip-special",), "skip-special"),
        (("--near", "3"), "near"),
        (("--pool", "max"), "pool"),
        (("--step", "contribution"), "step"),
        (("--threshold", "induction=0.5"), "threshold"),
        (("--verify", "all"), "verify"),
        (("--image", "a.png"), "image"),
        (("--words",), "words"),
        (("--heads", "3"), "heads"),
        (("--causal",), "causal"),
        (("--softcap", "3"), "softcap"),
    ],
)
def test_what_is_for_weights_is_refused(option, name):
    assert f"--{name} means nothing to --metric effect" in problem(attnviz("stats", TEXT, *EFFECT, *option), 2)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--answer", "x"), "--answer is for --metric effect"),
        (("--ablate", "zero"), "--ablate is for --metric effect"),
        (("--sort", "kl"), "--sort kl is for --metric effect"),
        (("--metric", "entropy", "--answer", "x"), "--answer is for --metric effect"),
        ((*EFFECT, "--sort", "entropy"), "--sort entropy is for weights"),
        ((*EFFECT, "--metric", "effects"), "'effects' is not one of"),
        ((*EFFECT, "--ablate", "half"), "'half' is not one of"),
        ((*EFFECT, "--device", "cuda"), "--device is for a model of torch"),
    ],
)
def test_options_that_do_not_fit_together_are_wrong_usage(options, message):
    assert message in problem(attnviz("stats", TEXT, *options), 2)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--layer", "9"), "layer 9 does not exist: the model has layers 0 to 1"),
        (("--head", "7"), "head 7 does not exist: layer 0 has heads 0 to 3"),
        (("--target", "x"), "no decoder that reads a target"),
        (("--chat",), "no chat template"),
    ],
)
def test_what_the_model_does_not_have_is_told(options, message):
    assert message in problem(attnviz("stats", TEXT, *EFFECT, *options), 1)


def test_an_interrupted_run_shows_what_there_is(monkeypatch):
    def interrupted(source, make, failed):
        yield from of_lines(source, make, failed)
        raise KeyboardInterrupt

    monkeypatch.setattr(stats_effect, "of_lines", interrupted)
    result = attnviz("stats", "--lines", *EFFECT, stdin=f"{TEXT}\n".encode())
    assert result.code == 130
    assert "partial: interrupted before the last text" in result.lines[0]
    assert result.stderr == "attnviz: interrupted after 1 text\n"
