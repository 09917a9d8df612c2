"""The colours of values."""

from __future__ import annotations

import itertools
import re
from importlib.resources import files

import matplotlib
import numpy
import pytest

from attnviz.errors import AttnvizError
from attnviz.renderers.shared.colours import DIVERGING, ORANGE_BLUE, colour_map, dark, rgb

PLACES = numpy.linspace(0, 1, 33).tolist()
SAMPLES = [*map(rgb, PLACES), *itertools.product(range(0, 256, 51), repeat=3)]


def luminance(colour):
    """WCAG 2.1, relative luminance."""
    shares = [channel / 255 for channel in colour]
    linear = [share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


# What eyes that lack one kind of cones make of linear red, green and blue: Machado et al. 2009, table 1, severity 1.
EYES = {
    "all cones": numpy.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


@pytest.mark.parametrize("eyes", EYES.values(), ids=EYES)
def test_less_and_more_differ_to_all_eyes_and_the_further_from_0_the_darker(eyes):
    mapped = colour_map(DIVERGING)
    tones = numpy.linspace(0.2, 1, 9)
    less, more = (mapped(0.5 + side * tones / 2)[:, :3] for side in (-1, 1))
    seen = [numpy.clip((arm**2.2) @ numpy.array(eyes).T, 0, 1) ** (1 / 2.2) for arm in (less, more)]
    assert numpy.linalg.norm(seen[0] - seen[1], axis=-1).min() > 0.1
    for arm in (less, more):
        assert (numpy.diff([luminance(255 * colour) for colour in arm]) < 0).all()


def test_the_page_and_the_pictures_have_the_same_colours_around_0():
    script = files("attnviz.renderers.page").joinpath("script/colours.js").read_text()
    arms = re.search(r"const ARMS = \{\s*light: \[(.*?)\]", script)
    assert re.findall("#([0-9a-f]{6})", arms[1]) == list(ORANGE_BLUE)


def test_the_smallest_and_the_largest_value_have_the_ends_of_viridis():
    assert rgb(0.0) == (0x44, 0x01, 0x54)
    assert rgb(1.0) == (0xFD, 0xE7, 0x25)


@pytest.mark.parametrize("tint", [-1.0, 2.0])
def test_values_beyond_the_scale_have_the_colour_of_its_end(tint):
    assert rgb(tint) == rgb(0.0 if tint < 0 else 1.0)


def test_a_larger_value_is_always_lighter():
    shades = [luminance(rgb(place)) for place in PLACES]
    assert shades == sorted(set(shades))


@pytest.mark.parametrize("place", PLACES)
def test_the_colours_are_those_of_matplotlib(place):
    theirs = 255 * numpy.array(matplotlib.colormaps["viridis"](place)[:3])
    assert numpy.abs(theirs - rgb(place)).max() <= 6


@pytest.mark.parametrize("colour", SAMPLES)
def test_text_on_a_colour_is_black_or_white_whichever_is_easier_to_read(colour):
    white, black = 1.05 / (luminance(colour) + 0.05), (luminance(colour) + 0.05) / 0.05
    assert (white if dark(colour) else black) >= max(4.5, 0.95 * max(white, black))


def test_a_colour_map_is_found_by_its_name():
    assert colour_map("magma").name == "magma"


@pytest.mark.parametrize(("wrong", "meant"), [("virdis", "viridis"), ("magmma", "magma"), ("zzzzz", "viridis")])
def test_an_unknown_colour_map_is_an_error_that_suggests_one(wrong, meant):
    with pytest.raises(AttnvizError) as error:
        colour_map(wrong)
    assert wrong in error.value.message
    assert meant in error.value.hint
