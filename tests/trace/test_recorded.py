"""The facts of a recording are a sequence that shows itself."""

from __future__ import annotations

from rich.console import Console

from attnviz.trace.recorded import How, RecordedLayer, RecordedLayers

LAYERS = RecordedLayers(tuple(RecordedLayer(number, "", 0, How.SDPA) for number in range(3)), ("a note",))


def test_it_is_a_sequence():
    assert len(LAYERS) == 3
    assert [layer.number for layer in LAYERS] == [0, 1, 2]
    assert LAYERS[1].number == 1
    assert [layer.number for layer in LAYERS[1:]] == [1, 2]
    assert LAYERS[1:].notes == ("a note",)


def test_it_shows_itself():
    assert repr(LAYERS).endswith("a note")
    assert "<table" in LAYERS._repr_html_()
    console = Console(width=80)
    with console.capture() as shown:
        console.print(LAYERS)
    assert "a note" in shown.get()
