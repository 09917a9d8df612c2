"""Many texts: those that can be read are added, the others are told, and an interrupted run says so."""

from __future__ import annotations

import pytest
import typer

from attnviz.analysis.corpus.texts import Texts
from attnviz.cli.input.gathered import end_if_partial, gather
from attnviz.errors import INTERRUPTED, AttnvizError, ChoiceError, UsageError


def counts():
    statistics = Texts()
    statistics.added = []
    return statistics


def gathered(*made):
    """What becomes of some texts: an error cannot be added."""
    statistics = counts()

    def read(failed):
        for number, one in enumerate(made, start=1):
            if one is None:
                failed(number, AttnvizError("unread"))
            elif isinstance(one, KeyboardInterrupt):
                raise one
            else:
                yield number, one

    def add(one):
        if isinstance(one, AttnvizError):
            raise one
        statistics.texts += 1
        statistics.added.append(one)

    gather(statistics, read, add, None)
    return statistics


def test_what_cannot_be_read_or_added_is_skipped_and_told(capsys):
    statistics = gathered("a", None, AttnvizError("not this one"), "b")
    assert (statistics.added, statistics.skipped, statistics.partial) == (["a", "b"], 2, False)
    assert [tuple(one) for one in statistics.left_out_texts.reasons] == [
        ("not this one", 1, ("3",)),
        ("unread", 1, ("2",)),
    ]
    assert capsys.readouterr().err == "attnviz: line 2 skipped: unread\nattnviz: line 3 skipped: not this one\n"


def test_where_nothing_can_be_read_it_is_the_first_error():
    with pytest.raises(AttnvizError, match="unread"):
        gathered(None, AttnvizError("later"))


@pytest.mark.parametrize("kind", [UsageError, ChoiceError])
def test_what_no_other_text_would_do_better_ends_it(kind):
    with pytest.raises(kind, match="line 2: wrong"):
        gathered("a", kind("wrong"), "b")


def test_an_interrupted_run_keeps_what_came_before(capsys):
    statistics = gathered("a", KeyboardInterrupt(), "b")
    assert (statistics.added, statistics.partial) == (["a"], True)
    with pytest.raises(typer.Exit) as raised:
        end_if_partial(statistics, 30)
    assert raised.value.exit_code == INTERRUPTED
    assert capsys.readouterr().err == "attnviz: interrupted after 1 of 30 texts\n"
    with pytest.raises(KeyboardInterrupt):
        gathered(KeyboardInterrupt())
    end_if_partial(counts(), None)
