"""Chapter 8: what roles() says, in tables."""

import attnviz
from attnviz.api.learn import CASES

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
    [sentence] = block("roles", "offset")
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
