"""Bugs of public issues, diagnosed: the code of each is rebuilt from its report, in plain torch, beside the engine's own."""

from __future__ import annotations

import pytest
import torch
from replaying import issues

from attnviz.analysis.diagnosis.diagnose import diagnose
from attnviz.analysis.diagnosis.result import Verdict
from attnviz.renderers.diagnosis.seen import seen

ISSUES = issues()


def found(issue):
    torch.manual_seed(7)
    replay = issue.run()
    return diagnose(*replay.arrays, **replay.meant)


@pytest.mark.slow
@pytest.mark.parametrize("issue", ISSUES, ids=lambda issue: f"{issue.issue} {issue.run.__name__}")
def test_the_mistake_of_the_report_is_named(issue):
    diagnosis = found(issue)
    assert diagnosis.verdict in (Verdict.MISTAKE, Verdict.SEVERAL), diagnosis
    assert issue.name in {one.name for one in diagnosis.mistakes}, diagnosis


def test_the_issues_are_those_that_are_cited():
    cited = [issue for issue in ISSUES if issue.issue in seen(issue.name)]
    assert len({issue.issue for issue in cited}) >= 8
    assert [issue.issue for issue in ISSUES if issue not in cited] == []
