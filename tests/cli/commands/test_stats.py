"""stats: what each head does, as a table, as data, as a map; over one text, over many, and interrupted."""

from __future__ import annotations

import csv
import json
import select
import signal

import numpy
import pytest
from array_files import SAMPLES
from command_line import attnviz, done, ended_by, fed, problem, started
from tiny_models import saved

from attnviz import trace_text
from attnviz.analysis import measure
from attnviz.analysis.metrics import Metric
from attnviz.cli.commands import stats
from attnviz.cli.input.corpus import Corpus
from attnviz.cli.input.many import read_lines
from attnviz.cli.input.traces import Making
from attnviz.cli.options.source import BatchOptions, LinesOptions, SourcesOptions
from tests.support.contributions import norms, summed_norms

TEXT = "the cat sat on the mat and the cat slept"


@pytest.fixture(scope="module")
def llama(tmp_path_factory):
    return saved("Llama", tmp_path_factory.mktemp("llama"))


def heads(*arguments, **options):
    return json.loads(done("stats", *arguments, "--format", "json", **options).text)


def test_the_table_has_a_row_a_head_and_a_column_a_metric():
    lines = done("stats", TEXT, "--heads", 3, "--causal").lines
    assert lines[0] == "texts: 1 · tokens: 10"
    assert [line.split(" │")[0].strip() for line in lines[5 : lines.index("", 5)]] == [
        "layer 0 · 0",
        "layer 0 · 1",
        "layer 0 · 2",
    ]
    assert lines[3].split("│")[1].split() == [metric.value for metric in Metric if metric is not Metric.MASS]


def test_the_mass_is_in_the_table_where_a_head_lacks_some():
    assert "mass" in done("stats", TEXT, "--key", ":3").lines[3]
    assert "mass" in done("stats", TEXT, "--sort", "mass").lines[3]


@pytest.mark.parametrize("metric", Metric)
def test_the_table_is_sorted_by_any_metric(metric):
    values = [
        head["metrics"][metric.value]["mean"]
        for head in heads(TEXT, "--heads", 4, "--causal", "--sort", metric)["heads"]
    ]
    assert values == sorted(values, reverse=True)


def test_the_three_formats_hold_the_same(folder):
    arguments = (TEXT, "--heads", 2, "--causal")
    from_json = heads(*arguments)["heads"]
    rows = list(csv.DictReader(done("stats", *arguments, "--format", "csv").lines))
    assert len(rows) == 2 * len(Metric)
    for row in rows:
        known = from_json[int(row["head"])]["metrics"][row["metric"]]
        assert float(row["mean"]) == known["mean"]
        assert (row["deviation"], int(row["count"])) == ("", known["count"])
    done("stats", *arguments, "-o", "stats.csv")
    assert list(csv.DictReader((folder / "stats.csv").read_text().splitlines())) == rows


def test_many_texts_in_any_order(folder):
    texts = ["the cat sat on the mat", "Your journey starts", "one step and one step"]
    (folder / "texts.txt").write_text("\n".join(texts))
    together = heads("--lines", "--file", "texts.txt", "--heads", 2)
    reversed_ = heads("--lines", "--heads", 2, stdin="\n".join(reversed(texts)).encode())
    assert together["texts"] == 3
    for one, other in zip(together["heads"], reversed_["heads"], strict=True):
        for metric, value in one["metrics"].items():
            assert other["metrics"][metric] == pytest.approx(value)
    entropies = [heads(text, "--heads", 2)["heads"][0]["metrics"]["entropy"]["mean"] for text in texts]
    assert together["heads"][0]["metrics"]["entropy"]["mean"] == pytest.approx(sum(entropies) / 3)
    assert together["heads"][0]["metrics"]["entropy"]["count"] == 3
    assert " ± " in done("stats", "--lines", "--file", "texts.txt").text


def test_a_model_is_measured_and_how_exactly_is_said(llama):
    result = heads(TEXT, "--model", llama)
    assert len(result["heads"]) == 8
    assert 0 < result["largest_error"] < 1e-5
    assert "ids" not in result["source"]
    assert len(heads(TEXT, "--model", llama, "--layer", 1, "--head", "0,2")["heads"]) == 2
    assert "recomputed to within" in done("stats", TEXT, "--model", llama).lines[0]
    attnviz("capture", TEXT, "--model", llama, "-o", "t.safetensors")
    for ours, theirs in zip(heads("--from", "t.safetensors")["heads"], result["heads"], strict=True):
        for metric in Metric:
            assert ours["metrics"][metric]["mean"] == pytest.approx(theirs["metrics"][metric]["mean"], abs=1e-5)


def test_a_map_of_one_metric(llama, folder):
    assert done("stats", TEXT, "--model", llama, "--metric", "previous", "-o", "map.svg").text == "map.svg\n"
    drawn = (folder / "map.svg").read_text()
    assert all(word in drawn for word in ("Weight on the token before", "layer 0", "layer 1", ">head<", ">layer<"))
    done("stats", TEXT, "--heads", 3, "--metric", "induction")
    assert (folder / "heads.png").read_bytes().startswith(b"\x89PNG")
    assert done("stats", "a b a", "--metric", "duplicate", "--format", "svg", "-o", "-").stdout.startswith(b"<?xml")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("-o", "map.png"), "a map shows one metric, and none is named"),
        (("--metric", "first", "--format", "json"), "--metric draws a map, but json holds all metrics"),
        (("-o", "map.txt", "--metric", "first"), "--metric draws a map, but table holds all metrics"),
        (
            ("-o", "trace.safetensors"),
            "trace.safetensors: its suffix is not one of .txt, .json, .jsonl, .csv, .png, .svg, .pdf, .stats",
        ),
    ],
)
def test_formats_that_do_not_fit(arguments, message):
    assert problem(attnviz("stats", TEXT, *arguments), 2) == message


def test_an_unknown_metric_is_told_with_those_there_are():
    assert "nonsense" in problem(attnviz("stats", TEXT, "--sort", "nonsense"), 2)


def test_a_text_that_cannot_be_read_is_skipped_aloud(llama):
    long = "Your" + " one" * 64
    arguments = ("stats", "--lines", "--model", llama, "--format")
    texts = ["Your journey", "the cat sat", "one step"]
    lines = "\n".join([texts[0], long, "", texts[1], long, texts[2]]).encode()
    result = attnviz(*arguments, "json", stdin=lines)
    why = "the text has 65 tokens, more than the 64 positions of this model"
    skipped = [f"attnviz: line {number} skipped: {why}" for number in (2, 5)]
    assert (result.code, result.stderr.splitlines()) == (0, [*skipped, "attnviz: 1 blank line skipped"])
    data = json.loads(result.text)
    assert (data["texts"], data["skipped"]) == (3, 2)
    without = json.loads(done(*arguments, "json", stdin="\n".join(texts).encode()).text)
    assert (data["heads"], without["skipped"]) == (without["heads"], 0)
    assert "texts: 3 · tokens: " in attnviz(*arguments, "table", stdin=lines).lines[0]
    assert " · skipped: 2" in attnviz(*arguments, "table", stdin=lines).lines[0]


def test_where_no_text_can_be_read_the_first_says_why(llama):
    result = attnviz("stats", "--lines", "--model", llama, stdin=b"\n".join([b"one " * 70, b"one " * 80]))
    assert (result.code, result.stdout) == (1, b"")
    first, _, why, hint = result.stderr.splitlines()
    assert first == why.replace("line 1:", "line 1 skipped:")
    assert why.startswith("attnviz: line 1: the text has ")
    assert hint == "attnviz: hint: give a shorter text"


@pytest.mark.parametrize("words", [("--layer", "7"), ("--head", "9"), ("--layer", "cross")])
def test_what_no_text_has_is_told_once(llama, words):
    result = attnviz("stats", "--lines", "--model", llama, *words, stdin=b"one step\nYour journey\n")
    assert result.code == 1
    assert "skipped" not in result.stderr


def test_special_tokens_inside_a_text_keep_their_places(llama):
    """What stands two tokens away across a special token is not the token before."""
    text = "Your<|endoftext|> journey<|endoftext|> starts"
    for head in heads(text, "--model", llama, "--skip-special")["heads"]:
        assert head["metrics"]["previous"] == {"mean": None, "deviation": None, "count": 0}
        assert 0 < head["metrics"]["self"]["mean"] < 1
    assert "what is hidden is one more key" in done("stats", text, "--model", llama, "--skip-special").lines[1]


def test_a_bad_line_is_named_and_skipped():
    result = attnviz("stats", "--lines", "--file", "-", stdin=b"a b\n\xff\n")
    assert result.lines[0] == "texts: 1 · tokens: 2 · skipped: 1"
    assert result.stderr == "attnviz: line 2 skipped: the line is not UTF-8 text: byte 0xff at position 0\n"


@pytest.mark.parametrize("form", ["table", "json", "csv"])
@pytest.mark.some(2)
def test_an_interrupted_run_shows_what_it_has(form):
    with started("stats", "--lines", "--format", form) as process:
        for piece in (b"the cat sat\n", b"Your journey starts\n", b"a line without its e"):
            fed(process, piece)
        assert not select.select([process.stdout], [], [], 0)[0]  # it reads on
        ended = ended_by(process, signal.SIGINT)
    assert (ended.code, ended.stderr) == (130, "attnviz: interrupted after 2 texts\n")
    if form == "json":
        result = json.loads(ended.stdout)
        assert (result["texts"], result["partial"]) == (2, True)
    elif form == "table":
        assert "partial: interrupted before the last text" in ended.text
    else:
        assert len(ended.lines) == 1 + len(Metric)


def test_of_a_file_an_interrupted_run_says_how_much_is_missing(folder, monkeypatch):
    def interrupted(*given, **options):
        for count, made in enumerate(read_lines(*given, **options)):
            if count == 101:
                signal.raise_signal(signal.SIGINT)
            yield made

    monkeypatch.setattr(stats, "read_lines", interrupted)
    (folder / "texts.txt").write_text("a b c\n\n" * 3_000 + "x y")
    result = attnviz("stats", "--lines", "--file", "texts.txt")
    assert (result.code, result.stderr) == (130, "attnviz: interrupted after 101 of 3,001 texts\n")
    assert result.lines[0] == "texts: 101 · tokens: 303 · partial: interrupted before the last text"


@pytest.mark.parametrize(
    "text", ["a\nb", "a\r\nb\r\n", "a\u2028b\x0cc\x85d\ne", "a\rb", "\ufeff\n \u3000\na\n"], ids=ascii
)
def test_lines_are_counted_as_they_are_read(folder, text):
    (folder / "texts.txt").write_bytes(text.encode())
    for source in (SourcesOptions(text=text), SourcesOptions(file=[folder / "texts.txt"])):
        if source.file or text[0] != "\ufeff":  # a byte order mark belongs to a file
            corpus = Corpus(source, LinesOptions(lines=True))
            assert corpus.total == sum(1 for _ in read_lines(corpus, Making(), BatchOptions()))


def test_a_run_interrupted_before_its_first_text_shows_nothing():
    with started("stats", "--lines") as process:
        fed(process, b"a line without its e")
        ended = ended_by(process, signal.SIGINT)
    assert ended == (130, b"", "")


def test_a_region_is_measured_with_the_weights_of_the_whole_softmax(folder):
    """Which head reads a needle: the mass of some queries on some keys, as NumPy's own softmax has it."""
    random = numpy.random.default_rng(5)
    query, key = random.standard_normal((4, 40, 8)), random.standard_normal((2, 40, 8))
    numpy.savez(folder / "t.npz", query=query, key=key, value=key)
    scores = query @ key.repeat(2, axis=0).transpose(0, 2, 1) / numpy.sqrt(8)
    scores = numpy.where(numpy.tri(40, dtype=bool), scores, -numpy.inf)
    weights = numpy.exp(scores - scores.max(-1, keepdims=True))
    weights /= weights.sum(-1, keepdims=True)
    wanted = weights[:, 30:35, 3:9].sum(-1)  # (heads, queries)
    region = ("--from", "t.npz", "--causal", "--query", "30:35", "--key", "3:9")
    for pool, reduced in (("mean", wanted.mean(1)), ("max", wanted.max(1))):
        told = heads(*region, "--pool", pool, "--sort", "mass")
        assert [head["head"] for head in told["heads"]] == numpy.argsort(-reduced).tolist()
        assert [head["metrics"]["mass"]["mean"] for head in told["heads"]] == pytest.approx(
            sorted(reduced, reverse=True)
        )
        assert (told["pool"], told["regions"]) == (pool, [[[30, 35], [3, 9]]])
        assert told["hidden_share"] == pytest.approx(1 - wanted.mean())
    assert "queries 30–34, keys 3–8 · other keys took on average" in done("stats", *region).lines[0]
    assert done("stats", *region, "--pool", "max").lines[1].startswith("largest value of the queries that see a key;")
    assert "largest of the queries" in done("stats", *region, "--pool=max", "--metric=mass", "--format=svg", "-o-").text


def test_no_weight_of_a_long_text_is_shown_as_none(folder):
    array = numpy.zeros((2, 4000, 2))
    numpy.savez(folder / "t.npz", query=array, key=array, value=array)
    shown = done("stats", "--from", "t.npz", "--key", "10:12", "--query", "10:20")
    assert "other keys took on average > 99.9 % of the weights" in shown.lines[0]
    [*_, last] = [line for line in shown.lines if line.startswith("layer")]
    assert "2.5e-04" in last  # the largest, 1 / 4,000
    assert "5.0e-04" in last  # the mass of both


def test_a_region_that_a_line_does_not_have_skips_it_aloud():
    result = attnviz("stats", "--lines", "--query", "2:4", stdin=b"a b c d\na b\na b c d e\n")
    assert "line 2 skipped: --query 2:4: there are 2 queries, at the positions 0 to 1" in result.stderr
    assert "queries 2–3" in result.lines[0]
    several = done("stats", "--lines", "--query", "1:", stdin=b"a b c d\na b\n")
    assert "2 regions" in several.lines[0]
    assert heads("--lines", "--query", "1:", stdin=b"a b c d\na b\n")["regions"] == [[[1, 2], []], [[1, 4], []]]


def test_the_first_key_of_a_region_is_the_first_of_its_keys():
    [head] = heads(TEXT, "--query", "2:6", "--key", "3:9")["heads"]
    weights = trace_text(TEXT).layers[0].steps(0).weights
    assert head["metrics"]["first"]["mean"] == pytest.approx(weights[2:6, 3].mean())


def test_a_head_alone_is_measured_alone(folder, monkeypatch):
    """Of sixteen heads of a trace, those that nobody asks for are not computed."""
    arrays = numpy.random.default_rng(0).standard_normal((16, 1500, 4))
    numpy.savez(folder / "t.npz", query=arrays, key=arrays, value=arrays)
    computed, usual = [], measure.row_block

    def counted(layer, which, rows):
        computed.append(which)
        return usual(layer, which, rows)

    monkeypatch.setattr(measure, "row_block", counted)
    assert [head["head"] for head in heads("--from", "t.npz", "--head", "3")["heads"]] == [3]
    assert all(which == slice(3, 4) for which in computed)
    assert computed


def test_a_token_is_measured_as_a_range_of_one():
    for side in ("--query", "--key"):
        assert (
            heads(TEXT, side, "mat")["heads"] == heads(TEXT, side, "@5")["heads"] == heads(TEXT, side, "5:6")["heads"]
        )
    assert heads(TEXT, "--query", "mat")["heads"] != heads(TEXT)["heads"]


def test_lines_that_lack_the_token_are_skipped_with_a_notice():
    result = attnviz("stats", "--lines", "a cat\na dog\nthe cat", "--query", "cat", "--format", "json")
    assert json.loads(result.stdout)["texts"] == 2
    assert "line 2" in result.stderr
    assert "no query token cat: there are a (0), dog (1)" in result.stderr
    assert (
        problem(attnviz("stats", "--lines", "a\nb", "--query", "2:1"), 2) == "line 1: --query 2:1: the range is empty"
    )


def test_nothing_special_is_said():
    assert attnviz("stats", "a b", "--skip-special").stderr == "attnviz: there are no special tokens to hide\n"


def test_a_metric_that_no_head_has_is_said_and_not_drawn(folder):
    result = attnviz("stats", "a b c", "--metric", "induction")
    assert problem(result, 1).startswith(
        "no head has a value for induction: it is over the queries that see what followed"
    )
    assert list(folder.iterdir()) == []
    assert done("stats", "a b c a b", "--metric", "induction").text == "heads.png\n"


def test_contributions_are_measured_in_place_of_weights():
    asked = (TEXT, "--heads", 2, "--causal", "--step", "contribution")
    lines = done("stats", *asked).lines
    assert lines[0] == "contributions ‖α v W_O‖ in place of weights · texts: 1 · tokens: 10"
    found = heads(*asked)
    assert found["step"] == "contribution"
    trace = trace_text(TEXT, heads=2, causal=True)
    rows = norms(trace.layers[0])
    rows = rows / rows.sum(axis=-1, keepdims=True)
    for head, expected in zip(found["heads"], rows.max(axis=-1).mean(axis=-1), strict=True):
        assert head["metrics"]["largest"]["mean"] == pytest.approx(expected)
    refused = attnviz("stats", "--from", SAMPLES / "three-tokens.npz", "--step", "contribution")
    assert problem(refused, 1) == "W_O of layer 0 is not known, and a contribution needs it"


def test_all_heads_of_a_layer_are_measured_as_one():
    asked = (TEXT, "--heads", 2, "--causal", "--step", "summed")
    lines = done("stats", *asked).lines
    assert lines[0] == (
        "contributions of all heads of a layer added up, ‖Σ α v W_O‖, in place of weights · texts: 1 · tokens: 10"
    )
    [row] = [line for line in lines if line.startswith("layer 0 · ")]
    assert row.startswith("layer 0 · all heads │")
    rows = summed_norms(trace_text(TEXT, heads=2, causal=True).layers[0])
    rows = rows / rows.sum(axis=-1, keepdims=True)
    [found] = heads(*asked)["heads"]
    assert (found["head"], found["names"]) == (None, [])
    assert found["metrics"]["largest"]["mean"] == pytest.approx(rows.max(axis=-1).mean())
    assert done("stats", *asked, "--format", "csv").lines[1].startswith("0,layer 0,,entropy,")
    left = heads(*asked, "--key", "1:")["hidden_share"]
    assert left == pytest.approx(rows[:, 0].mean())


def test_some_heads_are_no_choice_where_all_are_measured_as_one():
    for command, more in (("stats", ()), ("heatmap", ("--show",))):
        refused = attnviz(command, TEXT, "--heads", 2, "--head", 1, "--step", "summed", *more)
        assert problem(refused, 1) == "--step summed is of all heads of a layer together, and --head chooses some"
        assert done(command, TEXT, "--heads", 2, "--head", "all", "--step", "summed", *more).lines


def test_the_effect_of_heads_is_measured_by_taking_them_away():
    assert "taken away" in done("stats", "the dogs near", "--model", "tiny", "--metric", "effect").lines[1]


def test_needles_shares_and_words_each_go_their_way():
    assert "tiny" in problem(attnviz("stats", "--needles", 1, "--model", "tiny"), 1)
    shares = done("stats", "the dog saw the cat", "--model", "tiny", "--across", "rollout", "--format", "csv")
    assert shares.stdout.startswith(b"position,token,share")
    words = ("stats", "ab cd", "--tokenizer", "char", "--words")
    assert done(*words, "--format", "json").stdout.startswith(b"{")
    assert "--words merges weights" in problem(attnviz(*words, "--step", "contribution"), 2)


def test_files_of_parts_and_rows_and_a_state_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    whole = done("stats", "the dog\nthe cat", "--lines", "--model", "tiny", "--format", "json").text
    for name, text in (("a", "the dog"), ("b", "the cat")):
        done("stats", text, "--lines", "--model", "tiny", "-o", f"{name}.stats")
    merged = json.loads(done("stats", "--merge", "a.stats", "b.stats", "--format", "json").text)
    assert merged["texts"] == json.loads(whole)["texts"] == 2
    kept = ("stats", "the dog\nthe cat", "--lines", "--model", "tiny", "--format", "json", "--state", "state")
    assert json.loads(done(*kept).text)["heads"] == json.loads(whole)["heads"]
    result = attnviz(*kept[:-2], "--by-text", "rows.csv")
    assert "a row for each text and head: rows.csv" in result.stderr
    assert (tmp_path / "rows.csv").read_text().count("line 2") > 0


def test_needles_and_layers_are_asked_for_here_too():
    assert problem(attnviz("stats", "a", "--needles", 2), 2)
    assert "rollout" in done("stats", "a b", "--across", "rollout").text.lower()
