"""stats --across: each token's share, as a table, JSON and CSV, and one line for what cannot be."""

import csv
import io
import json
from pathlib import Path

import pytest
from command_line import attnviz, done, problem

TEXT = ("the dogs near the tree", "--model", "tiny")


@pytest.mark.parametrize("across", ["rollout", "flow"])
def test_each_token_has_its_share(across):
    lines = done("stats", *TEXT, "--across", across, "--query", "tree").lines
    assert lines[0].startswith(f"Attention {across}, layers 1 to 0")
    assert lines[1].startswith("query “tree” (4)")
    assert [line.split("│")[0].split()[1] for line in lines[5:]] == ["the", "dogs", "near", "the", "tree"]


def test_the_formats_hold_the_same(folder):  # noqa: ARG001
    said = json.loads(done("stats", *TEXT, "--across", "rollout", "--format", "json").text)
    rows = list(csv.DictReader(io.StringIO(done("stats", *TEXT, "--across", "rollout", "--format", "csv").text)))
    assert [float(row["share"]) for row in rows] == [one["share"] for one in said["shares"]]
    assert sum(one["share"] for one in said["shares"]) == pytest.approx(1)
    assert done("stats", *TEXT, "--across", "rollout", "-o", "a.csv").lines == ["a.csv"]


def test_it_speaks_vietnamese():
    assert done("stats", *TEXT, "--across", "flow", "--lang", "vi").lines[0].startswith("Luồng attention")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--toward", "a"], "--toward has no place there"),
        (["--lines"], "--lines has no place there"),
        (["--sort", "entropy"], "--sort has no place there"),
        (["--ablate", "zero"], "--ablate has no place there"),
        (["--step", "contribution"], "--step has no place there"),
        (["--metric", "entropy"], "--metric has no place there"),
        (["--near", "3"], "--near has no place there"),
        (["--threshold", "local=0.5"], "--threshold has no place there"),
        (["--pool", "max"], "--pool has no place there"),
        (["-o", "a.png"], "stats --across writes shares as a table, CSV or JSON"),
        (["-o", "a.xyz"], "its suffix is not one of"),
    ],
)
def test_what_makes_no_sense_is_one_line(folder, options, said):  # noqa: ARG001
    assert said in problem(attnviz("stats", "one step", "--across", "rollout", *options), 2)
    assert list(Path().iterdir()) == []
