"""What differs is named, with both values on one line."""

from __future__ import annotations

import pytest

from attnviz.analysis.corpus.alike import require_alike, require_same
from attnviz.errors import AttnvizError


def test_what_is_the_same_is_no_error():
    require_same("near", 8, 8)
    require_alike({"a": [1], "b": None}, {"a": [1]})


@pytest.mark.parametrize(
    ("mine", "theirs", "told"),
    [
        (8, 3, "near is 8 in one and 3 in the other"),
        ("", "cat", 'near is "" in one and cat in the other'),
        (None, [1, 2], "near is not set in one and [1, 2] in the other"),
        ("\x1b[31m", "x" * 200, "near is \\x1b[31m in one and xxx"),
    ],
)
def test_both_values_are_told(mine, theirs, told):
    with pytest.raises(AttnvizError) as error:
        require_alike({"near": mine}, {"near": theirs})
    assert f"they cannot be merged: {told}" in str(error.value)
    assert len(str(error.value)) < 200
