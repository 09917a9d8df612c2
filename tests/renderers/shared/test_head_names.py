"""The names of heads in words."""

from __future__ import annotations

import pytest

from attnviz.analysis.head_names import MEASURED, Found, HeadName
from attnviz.choices import Language
from attnviz.renderers.shared.head_names import label, number, title
from attnviz.text.lessons import lessons


def test_a_label_holds_the_name_and_its_number():
    assert label(Found(HeadName.PREVIOUS_TOKEN, 0.978, 0.5), lessons()) == "previous token (0.97)"
    assert label(Found(HeadName.INDUCTION, 1.0, 0.5), lessons(Language.VI)) == "quy nạp (1.00)"


@pytest.mark.parametrize("language", Language)
def test_each_name_has_a_title_of_its_own(language):
    titles = [title(name, lessons(language)) for name in MEASURED]
    assert len(set(titles)) == len(titles)


def test_no_number_is_rounded_up_to_its_threshold():
    assert [number(value) for value in (0.4999, 0.5, 0.999, 1.0)] == ["0.49", "0.50", "0.99", "1.00"]
