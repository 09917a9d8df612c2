"""The table of roles: in a pipe as it is, and folded into any terminal."""

from __future__ import annotations

import pytest
from made_roles import made_role, made_roles
from rich.cells import cell_len
from rich.console import Console

from attnviz.choices import Language
from attnviz.renderers.roles.role_table import to_renderable, to_text
from attnviz.text.lessons import lessons
from attnviz.trace.asking import ROLES
from attnviz.trace.roles import Verdict


def lines(found, columns, language=Language.EN):
    console = Console(width=columns, color_system=None, markup=False, highlight=False)
    with console.capture() as capture:
        console.print(to_renderable(found, lessons(language)))
    return capture.get().splitlines()


def test_each_role_is_a_block_below_the_title():
    shown = to_text(made_roles()).splitlines()
    assert shown[0] == "made · 1,000 questions of each role · seed 0"
    heads = [line for line in shown if line.endswith("layer 1, head 0 · proved")]
    assert [line.split(":")[0].lower() for line in heads] == list(ROLES)
    first = shown.index(heads[1])
    assert shown[first - 1] == ""
    assert shown[first + 1] == "  looks at the true word                99.0 %  98.0–100.0 %"
    assert all(line.startswith("  ") for line in shown[first + 1 : first + 10])


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("columns", [80, 40])
def test_it_fits_the_terminal_and_folds_no_number(columns, language):
    shown = lines(made_roles(), columns, language)
    assert max(map(cell_len, shown)) <= columns
    assert sum(line.endswith("98.0–100.0 %") for line in shown) == len(ROLES)


def test_a_hostile_name_of_a_model_is_written_out():
    assert "\x1b" not in to_text(made_roles(model="evil\x1b[2J [bold]"))
    assert to_text(made_roles(model="evil\x1b[2J [bold]")).startswith("evil\\x1b[2J [bold] · ")


def test_what_was_not_tried_of_a_large_model_is_said():
    few = to_text(made_roles(tried=12, heads=270))
    assert "Of 270 heads the 12 most promising were taken away, one at a time." in few
    assert "most promising" not in to_text(made_roles())
    encoder = to_text(
        made_roles(made_role(verdict=None, accuracy=None, ablated={}, patched=None, others=None), tried=0)
    )
    assert "replaced by its mean" not in encoder


def test_a_verdict_on_few_questions_says_that_it_may_change():
    assert to_text(made_roles(cases=99)).splitlines()[-1].endswith("may change with more of them (--cases 100).")
    assert "may change" not in to_text(made_roles(cases=100))


def test_a_verdict_has_its_colour():
    console = Console(width=80, color_system="standard", force_terminal=True, markup=False, highlight=False)
    colours = {}
    for verdict in (*Verdict, None):
        with console.capture() as capture:
            console.print(to_renderable(made_roles(made_role(verdict=verdict))))
        [line] = [line for line in capture.get().splitlines() if "head 0 · " in line]
        colours[verdict] = line.rpartition("head 0 · ")[2].partition("m")[0]
    assert "32" in colours[Verdict.PROVED]
    assert "33" in colours[Verdict.PARTLY]
    assert all("31" in colours[verdict] for verdict in (Verdict.NONE, Verdict.NOT_NEEDED, Verdict.LOOKS_ELSEWHERE))
    assert "31" not in colours[None]
