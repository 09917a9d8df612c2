"""An option that may stand alone, and one with several words behind it."""

from __future__ import annotations

import pytest

from attnviz.cli.bare_options import ALONE, with_alone, with_several


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("heatmap --on-image", f"heatmap --on-image={ALONE}"),
        ("heatmap --on-image --head 1", f"heatmap --on-image={ALONE} --head 1"),
        ("heatmap --on-image a.png --head 1", "heatmap --on-image a.png --head 1"),
        ("heatmap --on-image=a.png", "heatmap --on-image=a.png"),
        ("heatmap --on-image -o a.png", f"heatmap --on-image={ALONE} -o a.png"),
        ("heatmap --on-image -", "heatmap --on-image -"),
        ("heatmap --on-image -- --on-image", f"heatmap --on-image={ALONE} -- --on-image"),
        ("heatmap -- --on-image", "heatmap -- --on-image"),
        ("", ""),
    ],
)
def test_it_gets_a_value_where_none_follows(given, meant):
    assert with_alone(given.split()) == meant.split()


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("stats --merge a b c", "stats --merge=a --merge=b --merge=c"),
        ("stats --merge a b --sort first", "stats --merge=a --merge=b --sort first"),
        ("stats --merge=a b -o c", "stats --merge=a --merge=b -o c"),
        ("stats --merge a -o c --merge b", "stats --merge=a -o c --merge=b"),
        ("stats text --merge a", "stats text --merge=a"),
        ("stats --merge a - b", "stats --merge=a --merge=- --merge=b"),
        ("stats --merge", "stats --merge"),
        ("stats --merge -o c", "stats -o c --merge"),
        ("stats --merge a -- b", "stats --merge=a -- b"),
        ("stats -- --merge a b", "stats -- --merge a b"),
        ("", ""),
    ],
)
def test_each_of_several_words_gets_its_option(given, meant):
    assert with_several(given.split()) == meant.split()
