"""Many texts: those that can be read are added, the others are told, and an interrupted run says so."""

from __future__ import annotations

import pytest
import typer

from attnviz.analysis.corpus.texts import Texts
from attnviz.cli.input import gathered as gathering
from attnviz.cli.input.gathered import end_if_partial, gather
from attnviz.errors import INTERRUPTED, AttnvizError, ChoiceError, UsageError
from attnviz.sources.texts.corpus import CorpusText, Unread
from attnviz.text.message import Message


def counts():
    statistics = Texts()
    statistics.added = []
    return statistics


def gathered(*made):
    """What becomes of some texts: an error cannot be added."""
    statistics = counts()

    def read(failed, moved):
        for number, one in enumerate(made, start=1):
            text = CorpusText(number, Message("line {number}", number=number), "")
            moved(1)
            if one is None:
                failed(text, AttnvizError("unread"))
            elif isinstance(one, Unread):
                failed(one, one.error)
            elif isinstance(one, KeyboardInterrupt):
                raise one
            else:
                yield text, one

    def add(_, one):
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
        ("not this one", 1, ("line 3",)),
        ("unread", 1, ("line 2",)),
    ]
    assert capsys.readouterr().err == "attnviz: line 2 skipped: unread\nattnviz: line 3 skipped: not this one\n"


def test_where_nothing_can_be_read_it_is_the_first_error():
    with pytest.raises(AttnvizError, match="unread"):
        gathered(None, AttnvizError("later"))


@pytest.mark.parametrize("kind", [UsageError, ChoiceError])
def test_what_no_other_text_would_do_better_ends_it(kind):
    with pytest.raises(kind, match="line 2: wrong"):
        gathered("a", kind("wrong"), "b")


def test_a_file_that_cannot_be_read_is_told_by_what_is_said_of_it(capsys):
    gathered("a", Unread(1, "b.txt", AttnvizError("b.txt is empty"), whole=True))
    assert capsys.readouterr().err == "attnviz: skipped: b.txt is empty\n"


def test_of_very_many_only_the_first_are_named(capsys):
    statistics = gathered("a", *[None] * 1000)
    told = capsys.readouterr().err.splitlines()
    assert statistics.skipped == 1000
    assert (len(told), told[-1]) == (gathering.TOLD + 2, "attnviz: 1,000 texts skipped in all")


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
