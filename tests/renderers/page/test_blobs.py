"""The arrays of a page: each different one once, as a browser unpacks it."""

from __future__ import annotations

import base64
import zlib

import numpy

from attnviz.renderers.page.blobs import Blobs


def test_an_array_of_many_layers_is_there_once():
    blobs, mask = Blobs(), numpy.tri(40, dtype=numpy.uint8)
    places = [blobs.add(mask), blobs.add(numpy.arange(4.0)), blobs.add(mask.copy())]
    assert [place["blob"] for place in places] == [0, 1, 0]
    first, second = blobs.in_base64()
    assert zlib.decompress(base64.b64decode(first)) == mask.tobytes()
    assert numpy.frombuffer(zlib.decompress(base64.b64decode(second))).tolist() == [0, 1, 2, 3]
