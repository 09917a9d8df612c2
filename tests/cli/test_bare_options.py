"""An option that may stand alone."""

from __future__ import annotations

import pytest

from attnviz.cli.bare_options import ALONE, with_alone


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
