"""Try random inputs of a reader, for hours: python -m tests.fuzz READER [--minutes N | --seconds N] [--corpus FOLDER]

READER is one of the modules beside this file, or all. Each input must be read, or told in one line, within 5 s and 500 MB;
no other file is opened, and none is left open. The number of inputs is printed, and what came of them. The smallest input
that did something else is written to a file, and the exit code is 1. --corpus keeps what hypothesis found, to begin with it.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(1, str(Path(__file__).parents[1] / "support"))

from fuzzing import Report, fuzz, target, targets


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__.partition("\n")[0])
    parser.add_argument("reader", choices=[*targets(), "all"])
    time = parser.add_mutually_exclusive_group()
    time.add_argument("--minutes", type=float, help="for each reader")
    time.add_argument("--seconds", type=float, help="for each reader (default 10)")
    parser.add_argument("--corpus", type=Path, help="a folder that keeps what was found")
    parser.add_argument("--jobs", type=int, default=1, help="of all: how many readers at once")
    chosen = parser.parse_args(arguments)
    seconds = chosen.minutes * 60 if chosen.minutes is not None else chosen.seconds or 10.0
    if chosen.reader == "all":
        return _all(seconds, chosen.corpus, chosen.jobs)
    report = fuzz(target(chosen.reader), seconds, chosen.corpus)
    print(told(chosen.reader, report), flush=True)
    if report.error is None:
        return 0
    path = kept(chosen.reader, report, chosen.corpus or Path())
    traceback.print_exception(report.error)
    print(f"{chosen.reader}: the smallest such input is in {path}", flush=True)
    return 1


def told(reader: str, report: Report) -> str:
    """How many inputs there were, and what came of them, the most frequent first."""
    lines = [f"{reader}: {report.inputs:,} inputs, {len(report.outcomes)} kinds of outcomes"]
    lines += [f"  {count:>9,}  {outcome}" for outcome, count in report.outcomes.most_common(12)]
    return "\n".join(lines)


def kept(reader: str, report: Report, folder: Path) -> Path:
    """The file that holds the input which failed: its bytes, or how Python writes it."""
    raw = isinstance(report.failure, bytes)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"fuzz-{reader}-failure{'' if raw else '.txt'}"
    path.write_bytes(report.failure if raw else repr(report.failure).encode("utf-8", "backslashreplace"))
    return path


def _all(seconds: float, corpus: Path | None, jobs: int) -> int:
    """Each reader in a process of its own, so that none lends another what it imports or leaves."""
    more = [] if corpus is None else ["--corpus", str(corpus)]

    def run(reader: str) -> int:
        words = [sys.executable, "-m", "tests.fuzz", reader, "--seconds", str(seconds), *more]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        print(done.stdout + (done.stderr if done.returncode else ""), end="", flush=True)
        return done.returncode

    with ThreadPoolExecutor(jobs) as threads:
        return int(any(threads.map(run, targets())))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
