"""The table of a recording in a notebook."""

from __future__ import annotations

from xml.etree import ElementTree

from attnviz.renderers.recorded.layer_html import to_html
from attnviz.trace.recorded import How, RecordedLayer, RecordedLayers


def test_it_is_a_table_whose_words_are_text():
    layers = RecordedLayers((RecordedLayer(0, "<script>", 0, How.SDPA, notes=("a < b",)),))
    page = ElementTree.fromstring(f"<div>{to_html(layers)}</div>")
    rows = [["".join(cell.itertext()) for cell in row] for row in page.iter("tr")]
    assert rows[0][:2] == ["layer", "module"]
    assert rows[1][:3] == ["0", "<script>", "sdpa"]
    assert [one.text for one in page.iter("p")] == ["0: a < b"]
    assert page.find(".//script") is None


def test_nothing_ran():
    assert to_html(RecordedLayers(())) == "<p>No attention was seen in this recording.</p>"
