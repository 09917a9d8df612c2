"""What the record can do only with the floors above it."""

from __future__ import annotations

import math

import pytest

from attnviz.trace.public import public


def test_a_dotted_name_is_called_with_what_it_takes():
    assert public("math.log", 8, 2) == math.log(8, 2)
    assert public("json.dumps", {"b": 1, "a": 2}, sort_keys=True) == '{"a": 2, "b": 1}'


def test_a_name_that_leads_nowhere_is_a_fault_of_ours():
    with pytest.raises(AttributeError):
        public("math.nonsense")
