"""Public issues: each is named in one form, and belongs to a mistake that there is."""

from __future__ import annotations

import re

from attnviz.renderers.diagnosis.seen import SEEN, seen
from attnviz.text.lessons import lessons

ISSUE = re.compile(r"[\w.-]+/[\w.-]+#\d+")


def test_every_issue_is_named_in_one_form():
    assert all(ISSUE.fullmatch(issue) for issues in SEEN.values() for issue in issues)


def test_every_issue_is_of_one_mistake_that_there_is():
    assert [name for name in SEEN if f"mistake.{name}" not in lessons().messages] == []
    issues = [issue for issues in SEEN.values() for issue in issues]
    assert len(set(issues)) == len(issues)


def test_what_nobody_reported_has_none():
    assert seen("causal-top-left")[0] == "pytorch/pytorch#108108"
    assert seen("heads-reversed") == ()
