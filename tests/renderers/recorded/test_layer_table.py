"""The table of a recording in a terminal."""

from __future__ import annotations

from rich.console import Console

from attnviz.renderers.recorded.layer_table import to_renderable, to_text
from attnviz.trace.recorded import How, Kept, RecordedLayer, RecordedLayers

LAYERS = RecordedLayers(
    (
        RecordedLayer(0, "blocks.0.[b]attn", 0, How.SDPA, 2, 1, 4, 4, 5, 5, 8, 8, Kept.WHOLE, 1e-7),
        RecordedLayer(1, "blocks.1.attn", 0, How.BY_HAND, kept=Kept.WEIGHTS, notes=("because",)),
    )
)


def test_it_is_a_line_for_each_attention_and_one_for_each_reason():
    assert [line.split() for line in to_text(LAYERS).splitlines()] == [
        ["layer", "module", "how", "items", "heads", "tokens", "kept"],
        ["0", "blocks.0.[b]attn", "sdpa", "2", "4", "5", "±", "1.0e-07"],
        ["1", "blocks.1.attn", "by", "hand", "weights", "alone"],
        ["1:", "because"],
    ]


def test_a_narrow_terminal_has_two_lines_for_each_and_loses_nothing():
    console = Console(width=40)
    with console.capture() as shown:
        console.print(to_renderable(LAYERS))
    assert [line.rstrip() for line in shown.get().splitlines()] == [
        "0  blocks.0.[b]attn",
        "  sdpa · items 2 · heads 4 · tokens 5 ·",
        "  ± 1.0e-07",
        "1  blocks.1.attn",
        "  by hand · weights alone",
        "1: because",
    ]


def test_nothing_ran():
    assert to_text(RecordedLayers(())) == "No attention was seen in this recording."
