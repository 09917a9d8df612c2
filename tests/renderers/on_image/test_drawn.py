"""Weights over a picture as a file that moves."""

from __future__ import annotations

import io

import numpy
import pytest
from pictured import pictured_trace
from PIL import Image, ImageSequence

from attnviz.renderers.on_image.decided import decide_moving
from attnviz.renderers.on_image.drawn import moving
from attnviz.trace.selection import select


@pytest.mark.parametrize("form", ["gif", pytest.param("webp", marks=pytest.mark.slow)])
def test_it_goes_from_query_to_query(form):
    trace, told = pictured_trace(), []
    picture = decide_moving(trace, select(trace, layer=["0"], head=["0"], query="1:4"), Image.new("RGB", (30, 20)))
    content, missing = moving(picture, form, None, 40, 0.5, lambda *done: told.append(done))
    frames = [numpy.asarray(one.convert("RGB")) for one in ImageSequence.Iterator(Image.open(io.BytesIO(content)))]
    assert len(frames) == 4
    assert told == [(1, 3), (2, 3), (3, 3)]
    assert missing == ""
    assert len({frame.tobytes() for frame in frames}) == 4
