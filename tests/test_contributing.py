"""CONTRIBUTING shows by a diff what a new metric takes: the diff applies, and the metric is there."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import attnviz

PACKAGE = Path(attnviz.__file__).parent
CONTRIBUTING = (PACKAGE.parent / "CONTRIBUTING.md").read_text(encoding="utf-8")
[DIFF] = re.findall(r"```diff\n(.*?)```", CONTRIBUTING, flags=re.DOTALL)
FEW = 3  # files of the package


def changed(diff: str) -> list[str]:
    """The files that a diff changes."""
    return re.findall(r"^\+\+\+ b/(.+)$", diff, flags=re.MULTILINE)


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A copy of the package in a folder of its own."""
    shutil.copytree(PACKAGE, tmp_path / "attnviz", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def stats(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """attnviz stats of the package in ``folder``."""
    words = [sys.executable, "-m", "attnviz", "stats", "the cat sat", *arguments]
    environment = os.environ | {"PYTHONPATH": str(folder)}
    return subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_a_new_metric_touches_few_files():
    assert len(changed(DIFF)) == len(set(changed(DIFF))) <= FEW
    assert all(name.startswith("attnviz/") for name in changed(DIFF))


def test_the_diff_is_all_that_a_new_metric_takes(copied):
    assert stats(copied, "--sort", "next").returncode == 2
    applied = subprocess.run(["git", "apply", "-"], cwd=copied, input=DIFF, capture_output=True, text=True, check=False)
    assert applied.returncode == 0, applied.stderr
    run = stats(copied, "--sort", "next", "--format", "json")
    assert run.returncode == 0, run.stderr
    [head] = json.loads(run.stdout)["heads"]
    assert 0 < head["metrics"]["next"]["mean"] < 1
    table = stats(copied, "--sort", "next").stdout
    assert "next" in table
    assert "token after" in table


def test_a_diff_of_more_files_would_be_seen():
    planted = DIFF + "--- a/attnviz/choices.py\n+++ b/attnviz/choices.py\n"
    assert len(changed(planted)) > FEW
