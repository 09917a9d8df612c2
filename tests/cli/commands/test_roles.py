"""roles: which heads have a role, as a table, as data, as a picture."""

from __future__ import annotations

import csv
import json
import os

import pytest
from command_line import attnviz, done, problem
from made_roles import EACH_ITS_OWN, MadeAnswering

from attnviz import roles
from attnviz.cli.commands import roles as command
from attnviz.trace.asking import ROLES
from attnviz.trace.roles import read_head_role

FEW = ("--cases", 12)


@pytest.fixture
def made(monkeypatch):
    """A model that is made up in place of any: each role has a head of its own."""
    monkeypatch.setattr(command, "read_answering", lambda *_: MadeAnswering(EACH_ITS_OWN))


def test_the_table_has_a_block_for_each_role():
    lines = done("roles", *FEW).lines
    assert lines[0] == "tiny · 12 questions of each role · seed 0"
    titles = [line.split(":")[0].lower() for line in lines if " · layer " in line]
    assert titles == list(ROLES)


@pytest.mark.usefixtures("made")
def test_a_model_of_which_it_is_known_is_judged_so():
    said = json.loads(done("roles", *FEW, "--format", "json").text)
    assert {(one["role"], one["verdict"]) for one in said["roles"]} == {(role, "proved") for role in ROLES}
    assert "Vị trí: từ đứng ngay trước · lớp 0, đầu 0 · đã chứng minh" in done("roles", *FEW, "--lang", "vi").lines


def test_the_data_is_what_python_gets():
    said = json.loads(done("roles", *FEW, "--seed", 3, "--format", "json").text)
    found = roles(cases=12, seed=3)
    assert (said["attnviz"], said["model"], said["cases"], said["seed"]) == (1, "tiny", 12, 3)
    assert tuple(map(read_head_role, said["roles"])) == found.roles
    rows = list(csv.DictReader(done("roles", *FEW, "--seed", 3, "--format", "csv").lines))
    assert [float(row["hits"]) for row in rows] == [one.hits.value for one in found.roles]


@pytest.mark.usefixtures("made")
def test_the_suffix_picks_the_format(folder):
    assert done("roles", *FEW, "-o", "r.json").text == "r.json\n"
    assert json.loads((folder / "r.json").read_text())["cases"] == 12
    done("roles", *FEW, "-o", "r.csv")
    assert (folder / "r.csv").read_text().startswith("role,verdict,")
    done("roles", *FEW, "-o", "r.svg", "--lang", "vi")
    assert "cú pháp · lớp 0, đầu 1 · đã chứng minh" in (folder / "r.svg").read_text()
    assert done("roles", *FEW, "--format", "png").text == "roles.png\n"
    assert (folder / "roles.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.usefixtures("made")
@pytest.mark.parametrize(("model", "cases"), [("tiny", 1000), ("some/id", 100)])
def test_without_a_number_a_large_model_is_asked_less(model, cases):
    assert json.loads(done("roles", "--model", model, "--format", "json").text)["cases"] == cases


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (
            ("--cases", "0"),
            2,
            "Invalid value for '--cases': 0 is out of range: it must be at least 1 and at most 10000",
        ),
        (("--cases", "100000000"), 2, "it must be at least 1 and at most 10000"),
        (("--cases", "many"), 2, "Invalid value for '--cases': 'many' is not a whole number"),
        (("--seed", "-1"), 2, "Invalid value for '--seed': -1 is out of range"),
        (("--lang", "fr"), 2, "Invalid value for '--lang'"),
        (("-o", "r.xlsx"), 2, "r.xlsx: its suffix is not one of .txt, .json, .jsonl, .csv, .png, .svg, .pdf"),
        (("--device", "cpu"), 2, "--device is for a model of torch"),
        (("--model", ""), 2, "the name is empty"),
        ((*FEW, "-o", "nowhere/r.json"), 1, "nowhere"),
    ],
)
def test_bad_input_is_one_line(arguments, code, message):
    assert message in problem(attnviz("roles", *arguments), code)


def test_a_picture_is_not_written_to_a_terminal(monkeypatch):
    from attnviz.cli.output import terminal

    monkeypatch.setattr(terminal, "is_terminal", lambda _: True)
    assert problem(attnviz("roles", *FEW, "--format", "png", "-o", os.devnull), 2).startswith("PNG is binary")
