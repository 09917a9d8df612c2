"""matplotlib as attnviz needs it, while attnviz draws."""

from __future__ import annotations

import hashlib

import pytest

from attnviz.renderers.heatmap.figure import draw, save
from attnviz.renderers.heatmap.settings import own_settings
from tests.support.figures import picture_of


def test_nothing_is_drawn_through_the_global_state_of_matplotlib():
    import matplotlib

    before = dict(matplotlib.rcParams)
    save(draw(picture_of(3))[0], "svg")
    assert dict(matplotlib.rcParams) == before
    assert hashlib.sha256(save(draw(picture_of(3))[0], "svg")).hexdigest()


@pytest.mark.parametrize(
    ("message", "kind"),
    [("affine_transform(): incompatible function arguments. The following …", MemoryError), ("another", TypeError)],
)
def test_what_matplotlib_says_of_types_where_memory_is_lacking_is_said_of_memory(message, kind):
    with pytest.raises(kind), own_settings():
        raise TypeError(message)
