"""What attnviz takes beside what its peers take, whole processes, in one run: python tests/benchmarks [ROW…]

Each pair runs in turn (ours, theirs, ours, theirs, …) after one run that is not counted, so that a drift of the machine
meets both; the ratio is the median over the pairs. Absolute times are this machine's, today.
"""

from __future__ import annotations

import itertools
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from commands import attnviz, peer
from corpora import together, workers
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from startup import BUDGETS, Budget, faults, of_command, of_imports

WORDS = """The quick brown fox jumps over the lazy dog while seven wizards quietly examine a map of the old kingdom and nobody
in the village notices that the river has begun to flow uphill towards the mountains where long ago a clockmaker built a
machine that could tell what every word in a sentence was thinking about when it looked back at the others"""
HEADS, TOKENS, SENTENCES, SENTENCE_WORDS, VOCABULARY = 12, 64, 20_000, 10, 20_000

LOOKING = {  # milliseconds that a person may wait for
    "written 12 × 12 × 1,024": 2750,
    "Overview 12 × 12 × 1,024, first time": 1500,
    "back to the Overview 24 × 16 × 1,024": 200,
    "slider of the Overview 24 × 16 × 1,024": 50,
    "next head, T = 2,048, first picture": 60,
    "next head, T = 2,048, exact": 400,
}

Row = tuple[str, str, str, str, str]


def main(names: Sequence[str]) -> None:
    unknown = set(names) - ROWS.keys()
    if unknown:
        sys.exit(f"no such row: {', '.join(unknown)}; there are {', '.join(ROWS)}")
    table = Table("work", "attnviz", "peer", "measured", "reach", title=f"medians on {os.cpu_count()} cores")
    console, failed = Console(), False
    with tempfile.TemporaryDirectory() as folder, console.status("measuring") as status:
        for name in names or ROWS:
            status.update(name)
            try:
                rows = ROWS[name](Path(folder))
            except subprocess.CalledProcessError as error:  # what is measured already is shown all the same
                said = error.stderr if isinstance(error.stderr, str) else (error.stderr or b"").decode()
                rows, failed = [(name, "", "", f"failed: {said.strip().splitlines()[-1:]}", "")], True
            for row in rows:
                table.add_row(*map(escape, row))
    console.print(table)
    sys.exit(failed)


def start(_: Path) -> list[Row]:
    ours = attnviz("explain", "Your journey starts")
    return [
        pair("explain, whole process / imports only", ours, peer("imports.py"), "≤ 1.10 ×", runs=21),
        pair(
            "explain / textbook's torch script (mostly its import)",
            ours,
            peer("textbook.py"),
            "≥ 8 × faster",
            runs=5,
            faster=True,
        ),
    ]


def budgets(folder: Path) -> list[Row]:
    """Each command beside the imports that it cannot do without, and what it imports beyond its budget."""
    return [budget_row(budget, folder) for budget in BUDGETS]


def budget_row(budget: Budget, folder: Path) -> Row:
    ours, bare = of_command(budget, folder), of_imports(budget, folder)
    arguments = [str(folder / word) if word.startswith("a.") else word for word in budget.arguments]
    row = pair(
        f"{budget.name} / imports of {', '.join(budget.imports)}",
        attnviz(*arguments),
        peer("imports.py", *budget.imports),
        f"≤ {budget.reach:.2f} ×, {budget.modules} modules more",
        runs=7,
    )
    beyond = "; ".join(faults(budget, ours, bare))
    shown = beyond or f"{len(ours.modules - bare.modules)} modules more"
    return *row[:3], f"{row[3]}, {shown}", row[4]


def help_text(_: Path) -> list[Row]:
    sizes = ",".join(f"{name}={count}" for name, count in option_counts().items())
    return [
        pair(f"{' '.join(words)} / Typer's", attnviz(*words), peer("typer_help.py", sizes, *words), "≤ 1.0 ×", runs=15)
        for words in (["--help"], ["explain", "--help"])
    ]


def lines(folder: Path) -> list[Row]:
    """Every sentence another: words of a large vocabulary, the frequent ones more often, as in a real text."""
    draw = random.Random(0).random
    text = folder / "sentences.txt"
    words = [[f"w{int(VOCABULARY ** draw())}" for _ in range(SENTENCE_WORDS)] for _ in range(SENTENCES)]
    text.write_text("\n".join(map(" ".join, words)) + "\n")
    command = attnviz("explain", "--lines", "--format", "json", "--file", str(text))
    bare = peer("lines.py", str(text))
    require_same_numbers(command, bare)
    work = f"explain --lines --format json, {SENTENCES:,} sentences of {SENTENCE_WORDS} words / NumPy and orjson alone"
    row = pair(work, command, bare, "≥ 0.5 of its rate", runs=3, faster=True)
    rates = (f"{SENTENCES / float(took.split()[0]):,.0f} a second" for took in row[1:3])
    return [(row[0], *rates, row[3].replace(" × faster", " of its rate"), row[4])]


def require_same_numbers(ours: Sequence[str], theirs: Sequence[str]) -> None:
    """Both print the same numbers for the first sentence, up to rounding; else they are no pair."""
    first = [
        json.loads(subprocess.run(["sh", "-c", '"$@" | head -n 1', "sh", *command], capture_output=True).stdout)
        for command in (ours, theirs)
    ]
    heads = [record["layers"][0]["heads"][0] for record in first]
    assert first[0]["tokens"] == first[1]["tokens"]
    for name in ("query", "scores", "scaled", "masked", "weights", "output"):
        pairs = zip(heads[0][name], heads[1][name], strict=True)
        assert max(abs(a - b) for one, other in pairs for a, b in zip(one, other, strict=True)) < 1e-12


def picture(folder: Path) -> list[Row]:
    text = folder / "text.txt"
    text.write_text(" ".join(WORDS.split()[:TOKENS]))
    work = f"PNG of {HEADS} heads × {len(text.read_text().split())} labelled tokens"
    ours = attnviz(
        "heatmap",
        "--file",
        str(text),
        "--tokenizer",
        "whitespace",
        "--heads",
        str(HEADS),
        "-o",
        str(folder / "ours.png"),
    )
    theirs = [str(text), str(folder / "theirs.png"), str(HEADS)]
    return [
        pair(f"{work} / imshow", ours, peer("imshow.py", *theirs), "≥ 5 × faster", runs=5, faster=True),
        pair(f"{work} / imshow, tight_layout", ours, peer("imshow.py", *theirs, "tight"), "", runs=5, faster=True),
        pair(f"{work} / imshow, outer labels only", ours, peer("imshow.py", *theirs, "outer"), "", runs=5, faster=True),
        pair(f"{work} / seaborn", ours, peer("seaborn_heatmap.py", *theirs), "≥ 12 × faster", runs=3, faster=True),
    ]


def pool(_: Path) -> list[Row]:
    rows = []
    for engine in ("torch", "numpy"):
        mine, theirs = zip(*((pooled(f"attnviz-{engine}"), pooled("plain")) for _ in range(3)), strict=True)
        ratio = statistics.median(b["seconds"] / a["seconds"] for a, b in zip(mine, theirs, strict=True))
        shown = (
            f"{statistics.median(run['seconds'] for run in runs):.2f} s, {runs[0]['mebibytes']:,.0f} MiB"
            for runs in (mine, theirs)
        )
        rows.append(
            (
                f"pooled map, T = 16,384, {engine} / torch's softmax, pooled",
                *shown,
                f"{ratio:.2f} × faster",
                "≥ 3 ×, ≤ 100 MiB",
            )
        )
    return rows + (pool_on_gpu() if has_cuda() else [])


def pool_long(_: Path) -> list[Row]:
    run = pooled("attnviz-torch", "131072", "64", "causal")
    shown = f"{run['seconds']:.0f} s, {run['mebibytes']:,.0f} MiB"
    return [("pooled map, T = 131,072, causal, torch", shown, "", "", "≤ 100 MiB")]


def pool_on_gpu() -> list[Row]:
    lines = subprocess.run(peer("pooling_cuda.py"), check=True, capture_output=True, text=True).stdout.splitlines()
    return [
        (
            f"pooled map, T = {run['tokens']:,}, {run['heads']} heads{', causal' * run['causal']}, a head, {run['card']}",
            f"{run['pool']:.2f} ms",
            f"flash {run['flash']:.2f} ms, cuDNN {run['cudnn']:.2f} ms",
            f"{run['pool'] / run['flash']:.2f} ×, {run['pool'] / run['cudnn']:.2f} ×",
            "≤ 0.75 ×",
        )
        for run in map(json.loads, lines)
    ]


def pooled(engine: str, tokens: str = "16384", dimension: str = "64", *options: str) -> dict[str, float]:
    command = peer("pooling.py", engine, tokens, dimension, *options)
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True, env=ENVIRONMENT).stdout)


def has_cuda() -> bool:
    import torch

    return torch.cuda.is_available()


def capture(_: Path) -> list[Row]:
    """A model of GPT-2's size: what capturing all of its layers adds to a forward pass, in time and in memory."""
    rows = []
    for tokens in (512, 2048):
        runs = [[forward(how, tokens) for how in ("capture", "plain", "eager")] for _ in range(3)]
        for place, how, reach in ((1, "plain sdpa", "≤ 1.10 ×"), (2, "eager, output_attentions", "")):
            (ours, our_peak), (theirs, their_peak) = (
                [statistics.median(run[index][part] for run in runs) for part in (0, 1)] for index in (0, place)
            )
            ratio = statistics.median(run[0][0] / run[place][0] for run in runs)
            name = f"capture, T = {tokens:,} / {how}"
            rows += [
                (name, f"{ours:.3f} s", f"{theirs:.3f} s", f"{ratio:.2f} ×", reach),
                (
                    f"{name}, peak",
                    f"{our_peak:,.0f} MiB",
                    f"{their_peak:,.0f} MiB",
                    f"{our_peak / their_peak:.2f} ×",
                    "",
                ),
            ]
    return rows


def capture_turns(_: Path) -> list[Row]:
    """The same by turns with the plain pass of the same network, in processor time: what else the machine does counts less."""
    rows = []
    for model, tokens, layers in (
        *((model, tokens, ()) for model in ("smollm2", "small") for tokens in (64, 512, 2048)),
        ("smollm2", 512, ("0-1",)),
    ):
        command = peer("capturing.py", model, str(tokens), "15", *layers)
        run = subprocess.run(command, check=True, capture_output=True, text=True, env=ENVIRONMENT)
        report = json.loads(run.stdout)
        for way in ("capture", "saved"):
            ours, theirs = report[f"{way} cpu"], report["plain cpu"]
            rows.append(
                (
                    " ".join((f"{way}, {model}, T = {tokens:,} / plain sdpa", *(f"(layers {one})" for one in layers))),
                    f"{ours['median']:.3f} s",
                    f"{theirs['median']:.3f} s",
                    f"{ours['median ratio']:.2f} × ({ours['ratio of the least']:.2f} × of the least)",
                    "≤ 1.10 ×" if tokens == 512 and way == "capture" and not layers else "",
                )
            )
    return rows


def page(_: Path) -> list[Row]:
    """Pages of 12 layers of 12 heads beside BertViz's head view and CircuitsVis' attention heads."""
    rows = []
    for tokens, mask in ((64, "causal"), (256, "causal"), (256, "full")):
        ours, *others = (written(who, tokens, mask) for who in ("attnviz", "bertviz", "circuitsvis"))
        large = tokens == 256
        for who, (theirs, size), faster, smaller in zip(
            ("BertViz", "CircuitsVis"), others, ("≥ 8 × faster", ""), ("≥ 12 × smaller", ""), strict=True
        ):
            work = f"page of 12 × 12 × {tokens}, {mask} / {who}"
            took, weighs = ours
            rows += [
                (work, f"{took:.3f} s", f"{theirs:.3f} s", f"{theirs / took:.1f} × faster", faster if large else ""),
                (
                    f"{work}, size",
                    f"{weighs / 1e6:.1f} MB",
                    f"{size / 1e6:.1f} MB",
                    f"{size / weighs:.1f} × smaller",
                    smaller if large else "",
                ),
            ]
    return rows


def look(_: Path) -> list[Row]:
    """What a person waits for in each browser, beside the attnviz in the folder that ATTNVIZ_BEFORE names, if it does."""
    before = os.environ.get("ATTNVIZ_BEFORE")
    rows = []
    for who, slack in (("chromium", 1), ("firefox", 1), ("webkit", 2)):
        ours, theirs = (
            json.loads(
                subprocess.run(
                    peer("looking.py", who, *folder), check=True, capture_output=True, env=ENVIRONMENT
                ).stdout
            )
            if folder is not None
            else {}
            for folder in ([], [before] if before else None)
        )
        for work, took in ours.items():
            other = theirs.get(work)
            times = (f"{other:,.0f} ms", f"{other / took:.1f} × faster") if other else ("–", "–")
            rows.append((f"{who}: {work}", f"{took:,.0f} ms", *times, f"≤ {LOOKING[work] * slack:,.0f} ms"))
    return rows


def written(who: str, tokens: int, mask: str) -> tuple[float, float]:
    """Seconds and bytes of a page, as peers/page.py measures them: the median of three."""
    command = peer("page.py", who, "12", "12", str(tokens), mask)
    runs = [subprocess.run(command, check=True, capture_output=True, text=True, env=ENVIRONMENT) for _ in range(3)]
    took, size = zip(*(map(float, run.stdout.splitlines()[-1].split()) for run in runs), strict=True)
    return statistics.median(took), statistics.median(size)


def capture_long(_: Path) -> list[Row]:
    """A small model with grouped heads at a length where weights alone would be gigabytes."""
    ours, theirs = zip(
        *((forward("capture", 8192, "small"), forward("plain", 8192, "small")) for _ in range(3)), strict=True
    )
    rows = []
    for part, unit, reach in ((0, "s", ""), (1, "MiB", "≤ 1.3 ×")):
        mine, other = ([run[part] for run in runs] for runs in (ours, theirs))
        ratio = statistics.median(a / b for a, b in zip(mine, other, strict=True))
        shown = (f"{statistics.median(values):,.1f} {unit}" for values in (mine, other))
        rows.append((f"capture, T = 8,192 / plain sdpa{', peak' * part}", *shown, f"{ratio:.2f} ×", reach))
    return rows


def generation(_: Path) -> list[Row]:
    """What watching adds to a model that writes, all that a trace holds kept."""
    run = subprocess.run(peer("generating.py", "5"), check=True, capture_output=True, text=True, env=ENVIRONMENT)
    times = [tuple(map(float, line.split())) for line in run.stdout.splitlines()]
    ours, theirs = (statistics.median(column) for column in zip(*times, strict=True))
    ratio = statistics.median(one / other for one, other in times)
    return [
        ("generate, 64 tokens / generate() itself", f"{ours:.3f} s", f"{theirs:.3f} s", f"{ratio:.2f} ×", "≤ 1.15 ×")
    ]


def bringing(_: Path) -> list[Row]:
    """What contributions take beside weights, of layers of GPT-2's size; of a longer text the maps are pooled."""
    rows = []
    works = (("map", 64, 12), ("map", 512, 1), ("map", 4096, 1), ("stats", 64, 12), ("stats", 512, 1))
    for what, (look, tokens, layers) in itertools.product(("length", "toward", "summed"), works):
        command = peer("bringing.py", "5", what, look, str(tokens), str(layers))
        run = subprocess.run(command, check=True, capture_output=True, text=True, env=ENVIRONMENT)
        times = [tuple(map(float, line.split())) for line in run.stdout.splitlines()]
        ours, theirs = (statistics.median(column) for column in zip(*times, strict=True))
        ratio = statistics.median(one / other for one, other in times)
        work = f"contributions ({what}) / weights, {look} of {layers} × 12 heads, T = {tokens}"
        rows.append((work, f"{ours:.3f} s", f"{theirs:.3f} s", f"{ratio:.2f} ×", "≤ 2 ×"))
    return rows


def headless(_: Path) -> list[Row]:
    """What taking each head away takes beside the passes that it needs at least."""
    run = subprocess.run(peer("headless.py", "3"), check=True, capture_output=True, text=True, env=ENVIRONMENT)
    times = [tuple(map(float, line.split())) for line in run.stdout.splitlines()]
    ours, theirs = (statistics.median(column) for column in zip(*times, strict=True))
    ratio = statistics.median(one / other for one, other in times)
    return [
        ("effects of 270 heads / heads ÷ batch passes", f"{ours:.3f} s", f"{theirs:.3f} s", f"{ratio:.2f} ×", "≤ 1.5 ×")
    ]


def roles(_: Path) -> list[Row]:
    """The whole proof, as a process of its own; nobody else offers one."""
    took = statistics.median(seconds(attnviz("roles", "--format", "json")) for _ in range(5))
    return [("roles, 1,000 questions of each", f"{took:.3f} s", "–", "–", "≤ 3 s")]


def forward(how: str, tokens: int, *options: str) -> tuple[float, float]:
    """Seconds and peak MiB of one forward pass, as peers/forward.py measures them."""
    command = peer("forward.py", how, str(tokens), *options)
    run = subprocess.run(command, check=True, capture_output=True, text=True, env=ENVIRONMENT)
    took, peak = map(float, run.stdout.split())
    return took, peak


ROWS: dict[str, Callable[[Path], list[Row]]] = {
    "start": start,
    "budgets": budgets,
    "help": help_text,
    "lines": lines,
    "picture": picture,
    "pool": pool,
    "pool-long": pool_long,
    "capture": capture,
    "capture-turns": capture_turns,
    "capture-long": capture_long,
    "generate": generation,
    "effects": headless,
    "contribution": bringing,
    "roles": roles,
    "batches": together,
    "workers": workers,
    "page": page,
    "look": look,
}


def pair(work: str, ours: Sequence[str], theirs: Sequence[str], reach: str, *, runs: int, faster: bool = False) -> Row:
    """A row of the table: both commands timed in turn."""
    seconds(ours), seconds(theirs)
    times = [(seconds(ours), seconds(theirs)) for _ in range(runs)]
    ratio = statistics.median(b / a if faster else a / b for a, b in times)
    mine, other = (statistics.median(column) for column in zip(*times, strict=True))
    return work, f"{mine:.3f} s", f"{other:.3f} s", f"{ratio:.2f} ×" + (" faster" if faster else ""), reach


def seconds(command: Sequence[str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=ENVIRONMENT)
    return time.perf_counter() - began


def option_counts() -> dict[str, int]:
    """How many parameters each command of attnviz has."""
    from attnviz.cli.app import build

    return {name: len(command.params) for name, command in build().commands.items()}


# Both sides as a user runs them: byte code cached, output buffered.
ENVIRONMENT = {
    name: value for name, value in os.environ.items() if name not in ("PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED")
}

if __name__ == "__main__":
    main(sys.argv[1:])
