"""What statistics over many short texts take: beside the plain forward of the same model, with two workers beside one, and in memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from commands import attnviz, peer
from corpus_texts import texts

CHILD = "attnviz.corpora.engines.process_child"
TEXTS, MANY, SHARD = 300, 600, 25
KINDS = ("Pss", "Private_Clean", "Private_Dirty")  # of /proc/PID/smaps_rollup, in kB

Row = tuple[str, str, str, str, str]


def model_folder(folder: Path) -> Path:
    """SmolLM2-135M as transformers reads it, once for all rows."""
    made = folder / "smollm2"
    if not made.exists():
        sys.path.insert(0, str(Path(__file__).parents[1] / "support"))
        from real_models import smollm2

        smollm2(made)
    return made


def corpus(folder: Path, count: int) -> Path:
    """A file of so many lines."""
    file = folder / f"{count}.txt"
    file.write_text("\n".join(texts(count)) + "\n")
    return file


def together(folder: Path) -> list[Row]:
    """attnviz.stats of 300 texts and the plain forward of batches of 16, in one process, by turns."""
    given = [str(model_folder(folder)), str(corpus(folder, TEXTS))]
    run = subprocess.run(peer("batching.py", *given, "3"), check=True, capture_output=True, text=True)
    report = json.loads(run.stdout)
    work = f"stats, {report['texts']} texts of {report['shortest']} to {report['longest']} tokens, SmolLM2 / plain batches of 16"
    rows = []
    for clock, name in (("wall", "on the clock"), ("cpu", "processor time")):
        ours, theirs = report[f"stats {clock}"], report[f"plain {clock}"]
        ratio = f"{ours['median ratio']:.2f} × ({ours['ratio of the least']:.2f} × of the least)"
        rows.append((f"{work}, {name}", f"{ours['median']:.1f} s", f"{theirs['median']:.1f} s", ratio, "≤ 1.3 ×"))
    return rows


def workers(folder: Path) -> list[Row]:
    """Two workers beside one, whole processes; and what each of the two takes of memory from the hundredth text to the last."""
    model, file = model_folder(folder), corpus(folder, MANY)
    one, two = (ran(folder / name, model, file, count) for name, count in (("one", 1), ("two", 2)))
    work = f"stats --workers 2 / --workers 1, {MANY} texts, SmolLM2"
    rows = [
        (f"{work}, {name}", f"{ours:.1f} s", f"{theirs:.1f} s", f"{ours / theirs:.2f} ×", reach)
        for name, ours, theirs, reach in (
            ("on the clock", two.seconds, one.seconds, "≤ 1 ×"),
            ("processor time", two.processors, one.processors, ""),
        )
    ]
    for worker, (early, late) in enumerate(two.memory):
        grown = (late["own"] - early["own"]) / 1024
        shown = f"{late['Pss'] / 1024:,.0f} MiB, of its own {late['own'] / 1024:,.0f} MiB"
        rows.append(
            (
                f"memory of worker {worker}, {MANY} texts",
                shown,
                "",
                f"{grown:+.0f} MiB since the first {early['texts']}",
                "",
            )
        )
    return rows


class Ran(NamedTuple):
    """Seconds of a whole run, on the clock and of all its processes; and of each worker its memory, in kB, at the first look after
    100 texts were done, and at the last."""

    seconds: float
    processors: float
    memory: list[tuple[dict[str, int], dict[str, int]]]


def ran(state: Path, model: Path, file: Path, count: int) -> Ran:
    """The command with so many workers."""
    before = os.times()
    began = time.perf_counter()
    command = attnviz(
        *("stats", "--lines", "--file", str(file), "--model", str(model), "--workers", str(count)),
        *("--state", str(state), "--shard-size", str(SHARD), "--format", "json"),
    )
    run = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    looks: dict[int, list[dict[str, int]]] = {}
    while run.poll() is None:
        time.sleep(0.2)
        done = len(list(state.glob("*.stats"))) * SHARD
        for child in children(run.pid) if done >= 100 else ():
            if look := memory_of(child):
                looks.setdefault(child, []).append({**look, "texts": done})
    if run.returncode:
        raise subprocess.CalledProcessError(run.returncode, command)
    after = os.times()  # workers count in the process that waits for them, and that in this one
    processors = after.children_user + after.children_system - before.children_user - before.children_system
    memory = [(found[0], found[-1]) for found in looks.values()]
    return Ran(time.perf_counter() - began, processors, memory)


def children(parent: int) -> Iterator[int]:
    """The worker processes of ``parent``."""
    for process in filter(str.isdecimal, os.listdir("/proc")):
        try:
            is_worker = CHILD in Path("/proc", process, "cmdline").read_text()
            state = Path("/proc", process, "stat").read_text().rpartition(")")[2].split()
        except OSError:  # it has ended
            continue
        if is_worker and int(state[1]) == parent:
            yield int(process)


def memory_of(process: int) -> dict[str, int]:
    """What a process has of memory: its share, and what no other has."""
    try:
        lines = Path("/proc", str(process), "smaps_rollup").read_text().splitlines()
    except OSError:
        return {}
    found = {line.split(":")[0]: int(line.split()[1]) for line in lines if line.startswith(KINDS)}
    return {"Pss": found["Pss"], "own": found["Private_Clean"] + found["Private_Dirty"]} if "Pss" in found else {}
