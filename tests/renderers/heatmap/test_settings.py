"""matplotlib as attnviz needs it, while attnviz draws."""

from __future__ import annotations

import hashlib

from attnviz.renderers.heatmap.figure import draw, save
from tests.support.figures import picture_of


def test_nothing_is_drawn_through_the_global_state_of_matplotlib():
    import matplotlib

    before = dict(matplotlib.rcParams)
    save(draw(picture_of(3))[0], "svg")
    assert dict(matplotlib.rcParams) == before
    assert hashlib.sha256(save(draw(picture_of(3))[0], "svg")).hexdigest()
