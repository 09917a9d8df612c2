"""Python equals the command line: for each format of each command the call and the command give the same bytes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from enum import StrEnum
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple, get_args, get_type_hints

import pytest
from command_line import attnviz as run

import attnviz
from attnviz.cli.app import COMMANDS
from attnviz.cli.typer_groups import options_of

TEXT, PROMPT = "Your journey starts with one step", "the dogs near the tree"
LINES = ("the cat sat on the mat", "Your journey starts", "a b a b a")
SAMPLES = Path(__file__).parents[1] / "samples"
CACHED, TOP_LEFT, ROLES = SAMPLES / "cached.npz", SAMPLES / "top-left.npz", SAMPLES / "roles.txt"
FILE = "its"  # what the command writes, where it writes no standard output


class Row(NamedTuple):
    """A format of a command, the words after the command, the same from Python, and what standard input holds."""

    format: str
    words: tuple[Any, ...]
    call: Callable[[], str | bytes]
    stdin: bytes | None = None


class Alone(NamedTuple):
    """A format that the command line alone has, and why."""

    format: str
    reason: str


def toy() -> Any:
    return attnviz.trace_text(TEXT, heads=2, causal=True)


def cut() -> Any:
    return attnviz.trace_text("one step", tokenizer="char")


@cache
def wrote() -> Any:
    return attnviz.generate("tiny", PROMPT, 3)


@cache
def found() -> Any:
    return attnviz.roles(cases=20)


@cache
def diagnosed() -> Any:
    from attnviz.sources.files.dump import read_dump

    dump = read_dump(TOP_LEFT)
    return attnviz.diagnose(dump.query, dump.key, dump.value, **dump.given, **dump.meant)


@cache
def effect() -> Any:
    return attnviz.stats(PROMPT, "tiny", metrics="effect", answer="are", ablate="zero")


@cache
def followed() -> Any:
    return attnviz.across(attnviz.trace_model("tiny", PROMPT), "rollout", residual=0.3)


def compared() -> Any:
    return attnviz.diff(TEXT, f"{TEXT} more", heads=2, pool="max")


def figure(form: str, drawn: Callable[[Path], Any]) -> bytes:
    """The bytes of what ``drawn`` saves at a path with that suffix."""
    path = Path(f"mine.{form}")
    drawn(path)
    return path.read_bytes()


def heatmap(form: str, **options: Any) -> Row:
    words = (TEXT, "--heads", 2, "--causal", "--head", 1, "--dpi", 40)
    return Row(form, words, lambda: figure(form, lambda path: toy().heatmap(path, head=1, dpi=40, **options)))


CUT = ("one step", "--tokenizer", "char")
TOY, WRITE = (TEXT, "--heads", 2, "--causal"), (PROMPT, "--tokens", 3)
ON_STDOUT = ("-o", "-")
QUESTIONS, CHAPTER = ("--cases", 20), (2, "--text", "one step")
LAYERS = ("--model", "tiny")
EFFECT = (PROMPT, *LAYERS, "--metric", "effect", "--answer", "are", "--ablate", "zero")
FOLLOWED = (PROMPT, *LAYERS, "--across", "rollout", "--residual", 0.3)
BOTH = (TEXT, f"{TEXT} more", "--heads", 2, "--pool", "max")

TABLE: dict[str, list[Row | Alone]] = {
    "explain": [
        Row("table", TOY, lambda: str(toy().explain())),
        Row("table", (PROMPT, *LAYERS), lambda: str(attnviz.trace_model("tiny", PROMPT).explain())),
        Row("table", (*TOY, "--lang", "vi"), lambda: str(toy().explain(language="vi"))),
        Row("json", TOY, lambda: toy().to_json()),
        Row("csv", (*CUT, "--words", "--step", "weights"), lambda: cut().to_csv(words=True, step="weights")),
        Row("json", (PROMPT, *LAYERS), lambda: attnviz.trace_model("tiny", PROMPT).to_json()),
        Row("csv", TOY, lambda: toy().to_csv()),
        Row(
            "csv",
            (PROMPT, *LAYERS, "--step", "contribution"),
            lambda: attnviz.trace_model("tiny", PROMPT).to_csv(step="contribution"),
        ),
        Row(
            "csv",
            (PROMPT, *LAYERS, "--step", "contribution,summed", "--toward", "@output"),
            lambda: attnviz.trace_model("tiny", PROMPT).to_csv(step="contribution,summed", toward="@output"),
        ),
        Row("markdown", TOY, lambda: toy().explain().to_markdown()),
        Row("latex", TOY, lambda: toy().explain().to_latex()),
        Row("html", TOY, lambda: toy().explain().to_html()),
        Row("safetensors", TOY, lambda: figure("safetensors", toy().save)),
    ],
    "heatmap": [
        *(heatmap(form) for form in ("png", "svg", "pdf", "gif", "webp")),
        Row(
            "svg",
            (PROMPT, *LAYERS, "--title", "x"),
            lambda: figure("svg", lambda path: attnviz.trace_model("tiny", PROMPT).heatmap(path, title="x")),
        ),
        Row("safetensors", TOY, lambda: figure("safetensors", toy().save)),
        Row("csv", FOLLOWED, lambda: followed().map_csv()),
        Row("json", FOLLOWED, lambda: followed().map_json()),
        Row(
            "svg",
            FOLLOWED,
            lambda: figure(
                "svg", lambda path: attnviz.trace_model("tiny", PROMPT).heatmap(path, across="rollout", residual=0.3)
            ),
        ),
        Alone("term", "a picture of characters, as large as the terminal that shows it"),
    ],
    "html": [
        Row("", (*TOY, "-o", "-"), lambda: toy().to_html()),
        Row(
            "",
            (*ON_STDOUT, PROMPT, *LAYERS, "--lang", "vi"),
            lambda: attnviz.trace_model("tiny", PROMPT).to_html(language="vi"),
        ),
    ],
    "stats": [
        Row("table", TOY, lambda: str(toy().stats())),
        Row("table", ("--lines",), lambda: str(attnviz.stats(LINES)), "\n".join(LINES).encode()),
        Row("json", (*TOY, "--sort", "first"), lambda: toy().stats(sort="first").to_json()),
        Row("stats", ("--lines",), lambda: figure("stats", attnviz.stats(LINES).save), "\n".join(LINES).encode()),
        Row(
            "csv",
            ("--lines", *LAYERS, "--file", ROLES),
            lambda: attnviz.stats(ROLES.read_text().splitlines(), "tiny").to_csv(),
        ),
        Row("table", EFFECT, lambda: str(effect())),
        Row("json", EFFECT, lambda: effect().to_json()),
        Row("csv", EFFECT, lambda: effect().to_csv()),
        Row("svg", EFFECT, lambda: figure("svg", lambda path: effect().heatmap(path=path))),
        Row("csv", (*TOY, "--words"), lambda: toy().stats(words=True).to_csv()),
        Row(
            "csv",
            (PROMPT, *LAYERS, "--step", "contribution"),
            lambda: attnviz.trace_model("tiny", PROMPT).stats(step="contribution").to_csv(),
        ),
        Row(
            "csv",
            (PROMPT, *LAYERS, "--step", "summed"),
            lambda: attnviz.trace_model("tiny", PROMPT).stats(step="summed").to_csv(),
        ),
        Row("table", FOLLOWED, lambda: str(followed())),
        Row("json", FOLLOWED, lambda: followed().to_json()),
        Row("csv", FOLLOWED, lambda: followed().to_csv()),
        Row(
            "csv",
            (*CUT, "--across", "rollout", "--words"),
            lambda: attnviz.across(cut(), "rollout", words=True).to_csv(),
        ),
        *(
            Row(
                form,
                (*TOY, "--metric", "entropy"),
                lambda form=form: figure(form, lambda path: toy().stats().heatmap("entropy", path)),
            )
            for form in ("png", "svg", "pdf")
        ),
    ],
    "roles": [
        Row("table", QUESTIONS, lambda: str(found())),
        Row("json", QUESTIONS, lambda: found().to_json()),
        Row("csv", QUESTIONS, lambda: found().to_csv()),
        *(Row(form, QUESTIONS, lambda form=form: figure(form, found().figure)) for form in ("png", "svg", "pdf")),
    ],
    "capture": [
        Row(
            "safetensors",
            (PROMPT, *LAYERS, "--layer", 1),
            lambda: figure("safetensors", attnviz.trace_model("tiny", PROMPT, layer=1).save),
        ),
        Row(
            "safetensors",
            (PROMPT, *LAYERS, "--no-output-projection"),
            lambda: figure("safetensors", attnviz.trace_model("tiny", PROMPT).without_output_projections().save),
        ),
    ],
    "generate": [
        Row("table", WRITE, lambda: str(wrote().written())),
        Row("json", WRITE, lambda: wrote().to_json()),
        Row("csv", WRITE, lambda: wrote().written().to_csv()),
        Row("safetensors", WRITE, lambda: figure("safetensors", wrote().save)),
        Row("html", WRITE, lambda: wrote().to_html()),
        Row("gif", WRITE, lambda: wrote().written().to_gif()),
    ],
    "diagnose": [
        Row("table", (TOP_LEFT,), lambda: str(diagnosed())),
        Row("json", (TOP_LEFT,), lambda: diagnosed().to_json()),
        Row("csv", (TOP_LEFT,), lambda: diagnosed().to_csv()),
        Row("markdown", (TOP_LEFT,), lambda: diagnosed().to_markdown()),
        Row("html", (TOP_LEFT,), lambda: diagnosed().to_html()),
        *(
            Row(form, (TOP_LEFT,), lambda form=form: figure(form, diagnosed().heatmap))
            for form in ("png", "svg", "pdf")
        ),
    ],
    "diff": [
        *(
            Row(form, BOTH, lambda form=form: getattr(compared(), f"to_{form}")())
            for form in ("json", "csv", "markdown", "html")
        ),
        Row("table", BOTH, lambda: str(compared())),
        Row(
            "table",
            (PROMPT, "--model", "tiny", "--model", "tiny"),
            lambda: str(attnviz.diff(PROMPT, model=["tiny"] * 2)),
        ),
        *(Row(form, BOTH, lambda form=form: figure(form, compared().heatmap)) for form in ("png", "svg", "pdf")),
    ],
    "learn": [
        Row("term", (), lambda: str(attnviz.learn())),
        Row("term", CHAPTER, lambda: str(attnviz.learn(2, text="one step"))),
        Row("html", CHAPTER, lambda: attnviz.learn(text="one step").to_html(2)),
        Row("ipynb", CHAPTER, lambda: attnviz.learn(text="one step").to_notebook(2)),
    ],
    "manual": [
        Row("", (), lambda: str(attnviz.manual())),
        Row("", ("toy",), lambda: str(attnviz.manual("toy"))),
    ],
}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))  # no chapter is read yet
    return tmp_path


# What is drawn, and proved, takes long: one such row of each is enough for every day.
DRAWN = {"png", "svg", "pdf", "gif", "webp"}
QUICK = {("heatmap", "png"), ("roles", "json")}


def parameters() -> Iterator[Any]:
    """Each row with its command."""
    rows = [(command, row) for command, rows in TABLE.items() for row in rows if isinstance(row, Row)]
    for number, (command, row) in enumerate(rows):
        slow = (row.format in DRAWN or command == "roles") and (command, row.format) not in QUICK
        yield pytest.param(
            command, row, id=f"{command} {row.format} {number}", marks=[pytest.mark.slow] if slow else []
        )


@pytest.mark.parametrize(("command", "row"), list(parameters()))
@pytest.mark.some(18)
def test_the_call_and_the_command_give_the_same_bytes(command, row, folder):
    """Into a file, where a person is told nothing that a file does not hold."""
    file = folder / (f"{FILE}.safetensors" if row.format == "safetensors" else FILE)
    form = {"": (), "safetensors": ("-o", file)}.get(row.format, ("--format", row.format, "-o", file))
    result = run(command, *row.words, *form, stdin=row.stdin)
    assert result.code in (0, 3), result.stderr
    ours, its = row.call(), file.read_bytes() if form else result.stdout
    assert (ours.encode() if isinstance(ours, str) else ours) == its


def formats_of(command: str) -> Iterator[str]:
    """The formats that ``command`` can write, read from its options; "" where it has no choice of them."""
    run_it = getattr(import_module(f"attnviz.cli.commands.{command}"), command)
    groups = [hint for name, hint in get_type_hints(run_it).items() if name != "return"]
    hints = [get_type_hints(base).get("format") for group in groups for base in group.__mro__ if options_of(group)]
    enums = {one for hint in hints if hint for one in (hint, *get_args(hint)) if _is_choice(one)}
    yield from (member.value for enum in enums for member in enum) if enums else [""]


def _is_choice(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, StrEnum)


def missing(commands: Collection[str], table: dict[str, list[Row | Alone]]) -> list[str]:
    """Each format of each command for which the table has neither a row nor a reason why there is none."""
    return [
        f"{command} {form}"
        for command in commands
        for form in formats_of(command)
        if command not in table or (form and form not in {row.format for row in table[command]})
    ]


def test_each_format_of_each_command_has_a_row():
    assert missing(COMMANDS, TABLE) == []
    assert set(TABLE) == set(COMMANDS)


def test_a_row_that_is_planted_away_is_missed():
    without = TABLE | {"stats": [row for row in TABLE["stats"] if row.format != "csv"]}
    assert missing(COMMANDS, without) == ["stats csv"]
    assert missing(COMMANDS, {name: rows for name, rows in TABLE.items() if name != "manual"}) == ["manual "]
