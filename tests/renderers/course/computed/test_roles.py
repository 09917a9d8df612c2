"""Chapter 8: what roles() says, in tables."""

import pytest

import attnviz
from attnviz.api.learn import CASES
from attnviz.choices import Language
from attnviz.renderers.roles.told import percent
from attnviz.text.course import Commands, Program

FOUND = attnviz.roles(cases=CASES).roles


def test_each_role_has_its_head_and_looks_at_the_true_word(block):
    [table] = block("roles", "found")
    assert table.rows == [one.role for one in FOUND]
    for one, (sentence, head, sees, weight) in zip(FOUND, table.cells, strict=True):
        assert sentence == " ".join(one.example.tokens)
        assert head == f"layer {one.layer}, head {one.head}"
        assert sees == one.example.tokens[one.example.true]
        assert float(weight) > 0.5


def test_a_fixed_distance_is_no_match(block):
    asked, sentence = block("roles", "offset")
    assert f"asked the model {CASES} questions of each kind, drawn at random with seed 0." in asked
    syntax = next(one for one in FOUND if one.role == "syntax")
    assert f"{syntax.offset[0]} words back" in sentence
    assert f"in {100 * syntax.offset[1].value:.0f} % of the sentences" in sentence
    assert syntax.offset[1].value < syntax.hits.value - 0.3


def test_what_breaks_is_the_head_s_own_and_what_is_built_on_it(block):
    assert "in 100 % of the hard sentences" in block("roles", "question")[0]
    [table] = block("roles", "without")
    assert table.rows == ["whole model", *(f"without {one.role}" for one in FOUND)]
    whole, *rows = [[float(cell.removesuffix(" %")) for cell in row] for row in table.cells]
    broken = {
        (FOUND[row].role, FOUND[column].role)
        for row, cells in enumerate(rows)
        for column, cell in enumerate(cells)
        if cell < whole[column] - 20
    }
    assert broken == {*((one.role, one.role) for one in FOUND), ("position", "copying")}
    for one, row in zip(FOUND, rows, strict=True):
        assert row == [round(100 * one.ablated[other.role].value, 1) for other in FOUND]


@pytest.mark.parametrize("language", Language)
def test_the_next_command_and_program_ask_the_very_same_questions(language):
    lesson = attnviz.learn(8, language=language)
    [line] = (line for part in lesson.parts if isinstance(part, Commands) for line in part.lines if " roles " in line)
    assert f"attnviz roles --cases {CASES} --seed 0" in line
    [program] = (part.text for part in lesson.parts if isinstance(part, Program))
    assert f"roles(cases={CASES}, seed=0" in program
    told = str(attnviz.roles(cases=CASES, seed=0))
    for column, cells in zip(FOUND, list(zip(*lesson["without"].pieces[0].cells, strict=True)), strict=True):
        assert cells[0] == percent(column.accuracy)
        assert f"{100 * column.ablated[column.role].value:.1f} %" in told
