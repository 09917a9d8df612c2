"""How much a page may hold."""

from __future__ import annotations

import pytest

from attnviz import trace_text
from attnviz.choices import PAGE_MEGABYTES
from attnviz.renderers.page.limits import USUAL, Limits, bare_size


def test_a_page_takes_as_much_as_the_option_says():
    assert USUAL.megabytes == PAGE_MEGABYTES
    assert Limits(megabytes=2).size == 2_000_000


def test_the_arrays_get_what_the_bare_page_leaves():
    assert Limits(megabytes=2).room == 2_000_000 - bare_size()
    assert len(trace_text("a").to_html()) == pytest.approx(bare_size(), rel=0.03)


def test_exact_numbers_get_a_part_of_it():
    assert Limits(megabytes=10).easy == 2_000_000
    assert Limits(megabytes=0.3, exact_part=0.9).easy == 0.3e6 - bare_size()
    assert Limits(computed_part=0).easy == 0
