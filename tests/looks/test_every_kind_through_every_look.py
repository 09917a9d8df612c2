"""One trace of each kind goes through every look, and what comes out says what attend() says.

A new command, format or public call that shows a trace belongs into ``LOOKS``: the table is held against what there is.
"""

from __future__ import annotations

import base64
import csv
import html
import inspect
import io
import json
import re
import zlib
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy
import pytest
from command_line import attnviz as run
from numpy.testing import assert_allclose
from PIL import Image

from attnviz import Layer, Rule, Trace, api, attend, load, trace_text
from attnviz.analysis.corpus import Statistics
from attnviz.analysis.metrics import Metric
from attnviz.api import pictures
from attnviz.cli.app import COMMANDS
from attnviz.cli.output import formats
from attnviz.cli.output.formats import (
    CourseFormat,
    DiagnosisFormat,
    DiffFormat,
    PageFormat,
    PictureFormat,
    RolesFormat,
    StatsFormat,
    TableFormat,
    WritingFormat,
)

SENTENCE = "Your journey starts with one step"
COMMANDS_OF_FORMATS = {
    TableFormat: "explain",
    PictureFormat: "heatmap",
    StatsFormat: "stats",
    PageFormat: "html",
    RolesFormat: "roles",
    WritingFormat: "generate",
    CourseFormat: "learn",
    DiagnosisFormat: "diagnose",
    DiffFormat: "diff",
}
# All but the manual and diagnose of a model that no file holds; diagnose reads a dump with the output of somebody's code,
# and diff looks at two traces.
SHOW_NO_TRACE = {"manual", "capture", "generate", "roles", "learn", "diagnose", "diff"}


@dataclass(frozen=True)
class Kind:
    """A trace, where it is saved, and one pair of a query and a key in it that the looks are asked about."""

    trace: Trace
    file: Path
    tolerance: float = 1e-9

    @property
    def layer(self) -> Layer:
        return self.trace.layers[0]

    @property
    def query(self) -> int:
        """The last one, which sees the most keys."""
        return self.layer.query.shape[1] - 1

    @property
    def key(self) -> int:
        """The second, or in a long text, where that has hardly a weight, the one that has the most."""
        return 1 if self.short else int(self.weights.argmax())

    @property
    def query_token(self) -> str:
        return self.trace.query_tokens(self.layer)[self.query]

    @property
    def key_tokens(self) -> tuple[str, ...]:
        return self.trace.key_tokens(self.layer)

    @property
    def short(self) -> bool:
        """Whether every pair is shown: longer ones are pooled."""
        return self.query < 100

    def attend(self, query: int) -> Any:
        """The steps of one query, from the layer's arrays and rule alone; axes (heads, 1, …)."""
        layer, rule = self.layer, self.layer.rule
        row = slice(query, query + 1)
        mask = None if rule.mask is None else numpy.broadcast_to(rule.mask, (*layer.query.shape[:2], self.keys))[:, row]
        return attend(
            layer.query[:, row],
            layer.key,
            layer.value,
            scale=layer.scale,
            causal=rule.causal,
            query_offset=query + (rule.query_offset or 0) if rule.causal or rule.window else None,
            window=rule.window,
            softcap=rule.softcap,
            mask=mask,
            sinks=rule.sinks,
        )

    @property
    def keys(self) -> int:
        return self.layer.key.shape[1]

    @cached_property
    def weights(self) -> numpy.ndarray:
        """(keys,): of the last head and ``query``."""
        return numpy.asarray(self.attend(self.query).weights)[-1, 0]

    @property
    def weight(self) -> str:
        """That of the pair, as tables write it."""
        return f"{self.weights[self.key]:.4f}"

    @cached_property
    def largest(self) -> float:
        """The mean over the queries of the largest weight of the last head; of a long text from its own steps."""
        if self.short:
            return float(numpy.mean([self.attend(query).weights[-1].max() for query in range(self.query + 1)]))
        return float(self.layer.steps().weights[-1].max(axis=-1).mean())


def toy(_: Path) -> Trace:
    return trace_text(SENTENCE, heads=2, causal=True)


def grouped(_: Path) -> Trace:
    """Arrays of four query heads that share two of keys, each with a sink."""
    draw = numpy.random.default_rng(0)
    query, key, value = (draw.normal(size=(heads, 4, 6)) for heads in (4, 2, 2))
    layer = Layer(query, key, value, Rule(causal=True, sinks=numpy.array([0.5, -1.0, 0.0, 1.0])))
    return Trace(("wo", "xi", "yo", "zeta"), (layer,), {"kind": "arrays", "file": "grouped.npz"})


def cross(_: Path) -> Trace:
    draw = numpy.random.default_rng(1)
    query, key, value = (draw.normal(size=(2, tokens, 4)) for tokens in (3, 5, 5))
    return Trace(("ein", "zwei", "drei"), (Layer(query, key, value, key_tokens=("un", "deux", "trois", "4e", "5e")),))


def long(_: Path) -> Trace:
    """So long that the picture, the terminal's map and the page show the mean weights of many tokens."""
    draw = numpy.random.default_rng(2)
    query, key, value = (draw.normal(size=(1, 4200, 2)) for _ in range(3))
    return Trace(tuple(f"t{place}" for place in range(4200)), (Layer(query, key, value, Rule(causal=True)),))


def model(folder: Path) -> Trace:
    """A Llama of random weights, as capture saves what it computed."""
    from tiny_models import saved

    target = folder / "captured.safetensors"
    result = run("capture", SENTENCE, "--model", saved("Llama", folder / "llama"), "-o", target)
    assert (result.code, result.text) == (0, f"{target}\n")
    return load(target)


def generated(folder: Path) -> Trace:
    """What a Llama of random weights wrote after two words, as generate saves it."""
    from tiny_models import saved

    target = folder / "generated.safetensors"
    words = ("--tokens", "4", "--model", saved("Llama", folder / "llama"), "-o", target)
    result = run("generate", "the mat", *words)
    assert (result.code, result.text) == (0, f"{target}\n")
    return load(target)


KINDS: dict[str, Callable[[Path], Trace]] = {
    "toy": toy,
    "grouped heads with sinks": grouped,
    "cross-attention": cross,
    "long": long,
    "model": model,
    "generated": generated,
}
TOLERANCES = {"model": 1e-4, "generated": 1e-4}  # its numbers are of single precision


SLOW = ("long",)  # kinds, whose pictures take seconds


@pytest.fixture(
    scope="module", params=[pytest.param(name, marks=[pytest.mark.slow] if name in SLOW else []) for name in KINDS]
)
def kind(request, tmp_path_factory) -> Kind:
    folder = tmp_path_factory.mktemp("kind")
    trace = KINDS[request.param](folder)
    trace.save(folder / "kind.safetensors")
    return Kind(trace, folder / "kind.safetensors", TOLERANCES.get(request.param, 1e-9))


# What each look must have said. They get the kind, and what was written.


def table(kind: Kind, written: bytes) -> None:
    """The row of the query holds the weights of all keys that it shows."""
    row = next(line for line in reversed(text(written).splitlines()) if line.startswith(kind.query_token))
    numbers = [float(word.replace("−", "-")) for word in row.partition("│")[2].split()]
    assert_allclose(numbers[: kind.keys], kind.weights, atol=1e-4)


def markdown(kind: Kind, written: bytes) -> None:
    row = next(line for line in reversed(text(written).splitlines()) if line.startswith("| "))
    _, token, *numbers, _ = (cell.strip() for cell in row.split("|"))
    assert token.startswith(kind.query_token)
    assert_allclose([float(number) for number in numbers[: kind.keys]], kind.weights, atol=1e-4)


def latex(kind: Kind, written: bytes) -> None:
    row = next(line for line in reversed(text(written).splitlines()) if " & " in line)
    token, *numbers = row.removesuffix(" \\\\").split(" & ")
    assert token.startswith(kind.query_token)
    assert_allclose([float(number) for number in numbers[: kind.keys]], kind.weights, atol=1e-4)


def fragment(kind: Kind, written: bytes) -> None:
    row = next(line for line in reversed(text(written).splitlines()) if line.startswith("<tr>"))
    token, *numbers = re.findall(r">([^<]+)</t[hd]>", row)
    assert token.startswith(kind.query_token)
    assert_allclose([float(number) for number in numbers[: kind.keys]], kind.weights, atol=1e-4)


def top_keys_in_a_table(kind: Kind, written: bytes) -> None:
    """The heaviest keys, in their order, with their weights."""
    shown = re.findall(r"^(\S+) @(\d+) +(?:│|\|).*?([\d.]+)(?: \|)?$", text(written).replace("| ", "", 0), re.MULTILINE)
    heaviest = numpy.argsort(-kind.weights, kind="stable")[: len(shown)]
    assert len(shown) >= 2
    assert [token for token, _, _ in shown] == [kind.key_tokens[key] for key in heaviest]
    assert [int(place) for _, place, _ in shown] == heaviest.tolist()
    assert_allclose([float(weight) for _, _, weight in shown], kind.weights[heaviest], atol=1e-4)


def top_queries_in_a_table(kind: Kind, written: bytes) -> None:
    shown = re.findall(r"^(\S+) @(\d+) +│.*?([\d.]+)$", text(written), re.MULTILINE)
    assert len(shown) >= 2
    given = [float(weight) for _, _, weight in shown]
    assert given == sorted(given, reverse=True)
    for token, query, weight in shown:
        assert token == kind.trace.query_tokens(kind.layer)[int(query)]
        assert_allclose(float(weight), kind.attend(int(query)).weights[-1, 0, kind.key], atol=1e-4)


def arithmetic(kind: Kind, written: bytes) -> None:
    assert f"`{kind.query_token}` looks at `{kind.key_tokens[kind.key]}`" in text(written)
    quotient = next(line for line in text(written).splitlines() if re.fullmatch(r" +[\d.]+ / [\d.]+ = [\d.]+", line))
    assert_allclose(float(quotient.rpartition("= ")[2]), kind.weights[kind.key], atol=1e-4)


def json_of_output(kind: Kind, written: bytes) -> None:
    record = json.loads(written)
    assert record["tokens"] == list(kind.trace.tokens)
    output = record["layers"][0]["heads"][-1]["output"]
    assert len(output) == kind.query + 1
    for query in (0, kind.query):
        assert_allclose(output[query], numpy.asarray(kind.attend(query).output)[-1, 0], atol=kind.tolerance)


def csv_of_weights(kind: Kind, written: bytes) -> None:
    rows = list(csv.DictReader(io.StringIO(text(written))))
    assert {row["query_token"] for row in rows} == {kind.query_token}
    assert [row["key_token"] for row in rows] == list(kind.key_tokens)
    assert_allclose([float(row["value"]) for row in rows], kind.weights, atol=kind.tolerance)


def json_across_a_layer(kind: Kind, written: bytes) -> None:
    """One head of one layer and no residual: its weights, divided by what a sink leaves of them."""
    if written:
        [values] = json.loads(written)["values"]
        assert_allclose(values, kind.weights / kind.weights.sum(), atol=kind.tolerance)


def csv_across_a_layer(kind: Kind, written: bytes) -> None:
    if written:
        rows = list(csv.DictReader(io.StringIO(text(written))))
        assert {row["query_token"] for row in rows} == {kind.query_token}
        assert [row["key_token"] for row in rows] == list(kind.key_tokens)
        assert_allclose([float(row["value"]) for row in rows], kind.weights / kind.weights.sum(), atol=kind.tolerance)


def saved_trace(kind: Kind, written: bytes) -> None:
    """The same arrays, tokens and source come back."""
    copy = kind.file.with_name("copy.safetensors")
    copy.write_bytes(written)
    again = load(copy)
    assert (again.tokens, again.source) == (kind.trace.tokens, kind.trace.source)
    for one, other in zip(again.layers, kind.trace.layers, strict=True):
        for name in ("query", "key", "value"):
            assert numpy.array_equal(numpy.asarray(getattr(one, name)), numpy.asarray(getattr(other, name)))


def png(kind: Kind, written: bytes) -> None:
    """A picture, with as many colours as there are different weights to be seen."""
    from matplotlib import image

    pixels = image.imread(io.BytesIO(written), format="png")[..., :3]
    assert min(pixels.shape[:2]) > 100
    colours = numpy.unique((pixels * 255).astype(numpy.uint8) @ numpy.array([1, 256, 65536]))
    assert len(colours) > len({f"{weight:.2f}" for weight in kind.weights})


def svg(kind: Kind, written: bytes) -> None:
    words = [word for word in ElementTree.fromstring(written).itertext() if word.strip()]
    assert any("Attention weights" in word for word in words)
    if kind.short:
        assert set(words) >= {kind.query_token, *kind.key_tokens}
    else:
        assert any(re.search(r"cells of \d+ × \d+ tokens, mean", word) for word in words)


def pdf(_: Kind, written: bytes) -> None:
    assert written.startswith(b"%PDF-")
    assert written.rstrip().endswith(b"%%EOF")


def moving(kind: Kind, written: bytes) -> None:
    """As many frames as there are queries, or some of a long text; the first has the most colours."""
    image = Image.open(io.BytesIO(written))
    assert image.n_frames == kind.query + 1 if kind.short else 20 < image.n_frames <= 48
    colours = []
    for frame in (0, 1):
        image.seek(frame)
        colours.append(len(image.convert("RGB").getcolors(1 << 24)))
    assert colours[0] > colours[1]


def all_steps(kind: Kind, written: bytes) -> None:
    words = {word.strip() for word in ElementTree.fromstring(written).itertext()}
    assert words >= {"Scores Q Kᵀ", "Scaled", "Masked", "Weights", "Output", "softmax", "× V"}
    assert not kind.short or words >= {kind.query_token, *kind.key_tokens}


def terminal_map(kind: Kind, written: bytes) -> None:
    lines = text(written).splitlines()
    assert lines[0].startswith("Attention weights")
    if kind.short:
        row = next(line for line in lines if line.strip().startswith(kind.query_token))
        cells = row.split(kind.query_token)[1].split()[-1]
        darkest = max(cells, key=" ·░▒▓█".index)
        assert cells[2 * int(kind.weights.argmax())] == darkest  # a cell is two characters wide
    else:
        assert any(" tokens" in line for line in lines[:3])


def stats_table(kind: Kind, written: bytes) -> None:
    rows = [line for line in text(written).splitlines() if line.startswith("layer 0 · ")]
    assert len(rows) == kind.layer.heads
    column = next(line for line in text(written).splitlines() if line.startswith("head ")).partition("│")[2].split()
    numbers = rows[-1].partition("│")[2].split()
    assert_allclose(float(numbers[column.index("largest")]), kind.largest, atol=1e-3)


def stats_json(kind: Kind, written: bytes) -> None:
    heads = [head for head in json.loads(written)["heads"] if head["layer"] == kind.layer.index]
    assert heads[-1]["head"] == kind.layer.heads - 1
    assert_allclose(heads[-1]["metrics"]["largest"]["mean"], kind.largest, atol=1e-6)
    assert heads[-1]["metrics"].keys() == set(Metric)


def stats_csv(kind: Kind, written: bytes) -> None:
    rows = [row for row in csv.DictReader(io.StringIO(text(written))) if row["metric"] == "largest"]
    of_head = [row for row in rows if (row["layer"], row["head"]) == ("0", str(kind.layer.heads - 1))]
    assert_allclose([float(row["mean"]) for row in of_head], [kind.largest], atol=1e-6)


def stats_file(kind: Kind, written: bytes) -> None:
    last = [one for one in Statistics.from_bytes(written, "").heads() if one.layer == kind.layer.title][-1]
    assert_allclose(last.values[Metric.LARGEST].mean, kind.largest, atol=1e-6)


def stats_svg(kind: Kind, written: bytes) -> None:
    words = {word.strip() for word in ElementTree.fromstring(written).itertext()}
    assert words >= {"layer 0", *map(str, range(kind.layer.heads))}


def page(kind: Kind, written: bytes) -> None:
    """The page holds the tokens, and the queries bit by bit, or says that it is pooled."""
    content = text(written)
    record = json.loads(re.search(r'id="record">(.*?)</script>', content, re.DOTALL).group(1))  # type: ignore[union-attr]
    if not kind.short:
        assert all(layer["pooled"] is not None for layer in record["layers"])
        return
    assert record["texts"][record["layers"][0]["keyTexts"]]["labels"] == list(map(shown, kind.key_tokens))
    query = record["layers"][0]["query"]
    packed = re.search(rf'id="blob-{query["blob"]}">([^<]*)<', content)
    assert packed is not None
    numbers = numpy.frombuffer(zlib.decompress(base64.b64decode(packed.group(1))), query["type"])
    assert_allclose(numbers.reshape(query["shape"]), numpy.asarray(kind.layer.query))


def notebook(kind: Kind, written: bytes) -> None:
    frame = re.search(r'srcdoc="([^"]*)"', text(written))
    if kind.short:
        assert frame is not None
        page(kind, html.unescape(frame.group(1)).encode())
    else:
        assert f"{kind.query + 1:,} tokens" in text(written)  # and why there is no page


def printed(kind: Kind, written: bytes) -> None:
    """What print() and a notebook's Markdown show of an explanation, one after the other."""
    as_table, as_markdown = text(written).split("\0")
    for shown_text in (as_table, as_markdown):
        assert kind.weight in shown_text
        assert kind.query_token in shown_text


def shown(token: str) -> str:
    from attnviz.text.display import shown

    return shown(token)


def text(written: bytes) -> str:
    return written.decode()


@dataclass(frozen=True)
class Look:
    """One way to look at a trace: the words of a command or a call of Python, and what must be true of what it writes."""

    write: Callable[[Kind], bytes]
    check: Callable[[Kind, bytes], None]


def command(*words: str, query: bool = False, key: bool = False) -> Callable[[Kind], bytes]:
    """A command on the saved trace, of its last head, and of one query or key."""

    def write(kind: Kind) -> bytes:
        head = ["--layer", "0", "--head", str(kind.layer.heads - 1)] if words[0] == "explain" else []
        places = [*(["--query", f"@{kind.query}"] if query else []), *(["--key", f"@{kind.key}"] if key else [])]
        result = run(*words, "--from", kind.file, *head, *places)
        assert result.code == 0, result.stderr
        return result.stdout

    return write


def command_to_file(*words: str, suffix: str) -> Callable[[Kind], bytes]:
    """A command that writes a file beside the trace."""

    def write(kind: Kind) -> bytes:
        target = kind.file.with_name(f"written{suffix}")
        result = run(*words, "--from", kind.file, "-o", target)
        assert result.code == 0, result.stderr
        return target.read_bytes()

    return write


def across_a_layer(form: str) -> Callable[[Kind], bytes]:
    """The numbers of --across; nothing where attention goes to another text, and one line says so."""

    def write(kind: Kind) -> bytes:
        head = str(kind.layer.heads - 1)
        words = ("--across", "rollout", "--residual", "0", "--layer", "0", "--head", head, "--query", f"@{kind.query}")
        result = run("heatmap", "--from", kind.file, *words, "--format", form, "-o", "-")
        if kind.trace.query_tokens(kind.layer) != kind.key_tokens:
            assert (result.code, result.stdout) == (1, b"")
            assert "the queries of layer 0 are other tokens than its keys" in result.stderr
        else:
            assert result.code == 0, result.stderr
        return result.stdout

    return write


def explanation(kind: Kind) -> bytes:
    told = kind.trace.explain(layer=0, head=kind.layer.heads - 1, query=kind.query, key=kind.key)
    return f"{told}\0{told.to_markdown()}".encode()


def explained(*options: str) -> Callable[[Kind], bytes]:
    """A table of weights: of all queries, or of the last one where there are too many."""
    whole, alone = (command("explain", "--step", "weights", "-q", *options, query=query) for query in (False, True))
    return lambda kind: whole(kind) if kind.short else alone(kind)


def tabled(check: Callable[[Kind, bytes], None]) -> Callable[[Kind, bytes], None]:
    """``check`` where the whole table is shown, the heaviest keys where it would be too long."""
    return lambda kind, written: (check if kind.short else heaviest)(kind, written)


def heaviest(kind: Kind, written: bytes) -> None:
    """The first key of a long text that is shown is the heaviest."""
    key = int(kind.weights.argmax())
    first = next(line for line in text(written).splitlines() if " @" in line)
    assert kind.key_tokens[key] in first
    assert f"{kind.weights[key]:.4f}" in first


STATS = ("stats", "--metric", "largest", "-o", "-", "--format")
LOOKS: dict[str, Look] = {
    "explain table": Look(explained(), tabled(table)),
    "explain markdown": Look(explained("--format", "markdown"), tabled(markdown)),
    "explain latex": Look(explained("--format", "latex"), tabled(latex)),
    "explain html": Look(explained("--format", "html"), tabled(fragment)),
    "explain json": Look(command("explain", "--format", "json", "--step", "output"), json_of_output),
    "explain csv": Look(command("explain", "--format", "csv", "--step", "weights", query=True), csv_of_weights),
    "explain safetensors": Look(command_to_file("explain", suffix=".safetensors"), saved_trace),
    "explain, a pair": Look(command("explain", query=True, key=True), arithmetic),
    "explain, top keys": Look(command("explain", "--top", "2", query=True), top_keys_in_a_table),
    "explain, top queries": Look(command("explain", "--top", "2", key=True), top_queries_in_a_table),
    "heatmap png": Look(command("heatmap", "--format", "png", "-o", "-"), png),
    "heatmap svg": Look(command("heatmap", "--format", "svg", "-o", "-"), svg),
    "heatmap pdf": Look(command("heatmap", "--format", "pdf", "-o", "-"), pdf),
    "heatmap gif": Look(command("heatmap", "--format", "gif", "-o", "-", "--dpi", "50"), moving),
    "heatmap webp": Look(command("heatmap", "--format", "webp", "-o", "-", "--dpi", "50"), moving),
    "heatmap, all steps": Look(command("heatmap", "--step", "all", "--format", "svg", "-o", "-"), all_steps),
    "heatmap, compared": Look(command("heatmap", "--compare", "scale", "--format", "png", "-o", "-"), png),
    "heatmap csv": Look(across_a_layer("csv"), csv_across_a_layer),
    "heatmap json": Look(across_a_layer("json"), json_across_a_layer),
    "heatmap term": Look(command("heatmap", "--format", "term"), terminal_map),
    "heatmap safetensors": Look(command_to_file("heatmap", suffix=".safetensors"), saved_trace),
    "stats table": Look(command("stats"), stats_table),
    "stats json": Look(command("stats", "--format", "json"), stats_json),
    "stats csv": Look(command("stats", "--format", "csv"), stats_csv),
    "stats stats": Look(command("stats", "--format", "stats", "-o", "-"), stats_file),
    "stats png": Look(command(*STATS, "png"), png),
    "stats svg": Look(command(*STATS, "svg"), stats_svg),
    "stats pdf": Look(command(*STATS, "pdf"), pdf),
    "html html": Look(command("html", "-o", "-"), page),
    "api.explain": Look(explanation, printed),
    "api.heatmap": Look(lambda kind: kind.trace.heatmap()._repr_png_(), png),
    "api.html": Look(lambda kind: kind.trace.to_html().encode(), page),
    "api.notebook_frame": Look(lambda kind: kind.trace._repr_html_().encode(), notebook),
}


MOVING = ("heatmap gif", "heatmap webp")  # a picture for each query: seconds, but for a toy


@pytest.mark.parametrize(
    "look", [pytest.param(look, marks=[pytest.mark.slow] if look in MOVING else []) for look in LOOKS]
)
@pytest.mark.some(31)
def test_every_kind_goes_through_every_look(kind, look):
    LOOKS[look].check(kind, LOOKS[look].write(kind))


@pytest.mark.parametrize("look", MOVING)
@pytest.mark.some(1)
def test_a_toy_moves(tmp_path, look):
    trace = toy(tmp_path)
    trace.save(tmp_path / "kind.safetensors")
    kind = Kind(trace, tmp_path / "kind.safetensors")
    LOOKS[look].check(kind, LOOKS[look].write(kind))


def offered(commands: Collection[str], formats_of: Iterable[Any], calls: Any) -> set[str]:
    """Every look that there is: each format of a command, each command without formats, each public call with a trace."""
    enums = [one for one in formats_of if isinstance(one, type) and issubclass(one, StrEnum) and one is not StrEnum]
    owners = {enum: COMMANDS_OF_FORMATS.get(enum, enum.__name__) for enum in enums}
    return {
        *(f"{owner} {one.value}" for enum, owner in owners.items() if owner not in SHOW_NO_TRACE for one in enum),
        *(name for name in commands if name not in SHOW_NO_TRACE and name not in owners.values()),
        *(f"api.{name}" for name, call in calls.items() if _takes_a_trace(call)),
    }


def _takes_a_trace(call: Any) -> bool:
    if (
        not inspect.isfunction(call)
        or call.__module__ not in (api.__name__, pictures.__name__)
        or call.__name__.startswith("_")
    ):
        return False
    return next(iter(inspect.signature(call).parameters), "") == "trace"


def test_no_look_is_missing_in_the_table():
    assert offered(COMMANDS, vars(formats).values(), vars(api)) == {name for name in LOOKS if ", " not in name}


class Planted(StrEnum):
    HOLOGRAM = "hologram"


def dance(trace: Trace) -> str:
    """A public call that nobody has put into the table."""
    return str(trace)


dance.__module__ = api.__name__


@pytest.mark.parametrize(
    ("planted", "found"),
    [
        ({"commands": (*COMMANDS, "sing")}, {"sing"}),
        ({"formats_of": [*vars(formats).values(), Planted]}, {"Planted hologram"}),
        ({"calls": vars(api) | {"dance": dance}}, {"api.dance"}),
    ],
    ids=["command", "format", "call"],
)
def test_a_planted_look_is_missed(planted, found):
    there = {"commands": COMMANDS, "formats_of": vars(formats).values(), "calls": vars(api)}
    assert offered(**there | planted) - LOOKS.keys() == found


@pytest.mark.parametrize("look", ["explain table", "explain json", "explain csv", "explain, a pair", "stats json"])
def test_a_look_that_shows_other_numbers_is_caught(look, tmp_path):
    """The checks read what was written: shown of another trace, they fail."""
    right, wrong = (trace_text(SENTENCE, heads=2, causal=True, seed=seed) for seed in (0, 1))
    right.save(tmp_path / "right.safetensors")
    wrong.save(tmp_path / "wrong.safetensors")
    written = LOOKS[look].write(Kind(wrong, tmp_path / "wrong.safetensors"))
    LOOKS[look].check(Kind(wrong, tmp_path / "wrong.safetensors"), written)
    with pytest.raises(AssertionError):
        LOOKS[look].check(Kind(right, tmp_path / "right.safetensors"), written)
