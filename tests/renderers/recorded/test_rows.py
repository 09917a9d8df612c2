"""The table of a recording, as data."""

from __future__ import annotations

from attnviz.choices import Language
from attnviz.renderers.recorded.rows import told_layers
from attnviz.text.lessons import lessons
from attnviz.text.message import Message
from attnviz.trace.recorded import How, Kept, RecordedLayer, RecordedLayers

WHOLE = {"items": 2, "heads": 4, "kv_heads": 4, "queries": 5, "keys": 5, "kept": Kept.WHOLE}
LEFT_OUT = Message("not asked for")


def rows(*layers, notes=(), language=Language.EN):
    return told_layers(RecordedLayers(layers, notes), lessons(language), language)


def test_a_layer_is_told_in_a_row():
    said = rows(RecordedLayer(3, "a.b", 0, How.BY_HAND, **WHOLE, error=1.23e-7))
    assert said.rows == (("3", "a.b", "by hand", "2", "4", "5", "± 1.2e-07"),)
    assert said.sentences == ()


def test_calls_windows_groups_and_cross_attention():
    facts = WHOLE | {"items": 6, "windows": 3, "kv_heads": 2, "keys": 7}
    said = rows(RecordedLayer(0, "", 2, How.SDPA, **facts))
    assert said.rows == (("0", "· #2", "sdpa", "2 × 3", "4 / 2", "5 → 7", "not compared"),)


def test_each_reason_is_told_once_with_the_numbers_that_it_is_true_of():
    layers = [
        RecordedLayer(n, "", 0, How.SDPA, notes=(LEFT_OUT,) if n in (0, 1, 2, 4) else ("other",)) for n in range(5)
    ]
    said = rows(*layers, notes=("of all",))
    assert said.sentences == ("0-2, 4: not asked for", "3: other", "of all")


def test_it_speaks_vietnamese():
    said = rows(RecordedLayer(0, "", 0, How.FLEX, kept=Kept.WEIGHTS, notes=(LEFT_OUT,)), language=Language.VI)
    assert said.rows[0][-1] == "chỉ trọng số"
    assert said.sentences == ("0: không được yêu cầu",)
    assert rows(language=Language.VI).sentences == ("Lần ghi này không thấy attention nào.",)


def test_a_hostile_path_is_shown_as_text():
    said = rows(RecordedLayer(0, "a\x1b[31m\nb", 0, How.SDPA))
    assert "\x1b" not in said.rows[0][1]
    assert "\n" not in said.rows[0][1]
