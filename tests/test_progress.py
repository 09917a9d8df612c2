"""Work that nobody watches says nothing."""

from __future__ import annotations

from attnviz.progress import no_notice, no_progress


def test_no_progress_takes_any_share_of_the_work(capsys):
    for done in range(3):
        no_progress(done, 2)
    assert capsys.readouterr() == ("", "")


def test_a_notice_for_nobody_goes_nowhere(capsys):
    no_notice("each map has 19 × 19 cells")
    assert capsys.readouterr() == ("", "")
