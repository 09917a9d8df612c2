"""The words of --threshold and of --quantiles."""

from __future__ import annotations

import pytest

from attnviz.analysis.head_names import HeadName
from attnviz.cli.input.thresholds import quantile_shares, thresholds
from attnviz.cli.options.corpus import CorpusOptions
from attnviz.errors import UsageError


def test_names_and_numbers_are_read_one_by_one_and_together():
    said = thresholds(["induction=0.4,previous-token=1", "induction=0.3"])
    assert said == {HeadName.INDUCTION: 0.3, HeadName.PREVIOUS_TOKEN: 1.0}
    assert thresholds([]) == {}


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("induction", "--threshold is 'induction': expected a name and a number, such as induction=0.4"),
        ("induction=", "--threshold is 'induction=': expected a name and a number, such as induction=0.4"),
        ("=0.4", "--threshold is '': expected one of first-token-sink, "),
        ("inducton=0.4", "--threshold is 'inducton': expected one of first-token-sink, "),
        ("induction=40", "--threshold is 40.0: expected a number from 0.01 to 1"),
        ("induction=nan", "--threshold is nan: expected a number from 0.01 to 1"),
    ],
)
def test_what_is_no_threshold_is_one_line(word, message):
    with pytest.raises(UsageError) as caught:
        thresholds([word])
    assert str(caught.value).startswith(message)


def test_shares_are_read_in_their_order_and_what_is_none_is_wrong_usage():
    assert quantile_shares(CorpusOptions(quantiles=["0.9,0.1", "0.5"])) == (0.1, 0.5, 0.9)
    assert quantile_shares(CorpusOptions(quantiles=())) == ()
    with pytest.raises(UsageError, match=r"--quantiles is .*: expected numbers from 0 to 1"):
        quantile_shares(CorpusOptions(quantiles=["half"]))
