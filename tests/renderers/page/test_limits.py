"""How much a page may hold."""

from __future__ import annotations

from attnviz.choices import PAGE_MEGABYTES
from attnviz.renderers.page.limits import BARE, USUAL, Limits


def test_a_page_takes_as_much_as_the_option_says():
    assert USUAL.megabytes == PAGE_MEGABYTES
    assert Limits(megabytes=2).size == 2_000_000


def test_the_arrays_get_what_the_bare_page_leaves():
    assert Limits(megabytes=2).room == 2_000_000 - BARE
