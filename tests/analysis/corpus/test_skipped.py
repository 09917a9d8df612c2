"""Why texts were left out: counted by reason, the first few named, and told in the reader's language."""

from __future__ import annotations

import json

import pytest

from attnviz.analysis.corpus.skipped import LeftOut, Skipped, left_out_of, left_out_record
from attnviz.choices import Language
from attnviz.errors import AttnvizError
from attnviz.text.message import Message


def long(tokens: int) -> Message:
    return Message(
        "the text has {tokens:,} tokens but the tiny model has {positions} positions", tokens=tokens, positions=9
    )


def skipped(*pairs) -> Skipped:
    found = Skipped()
    for name, said in pairs:
        found = found.plus(name, said)
    return found


def test_the_same_sentence_is_one_reason_whatever_its_numbers_are():
    found = skipped(("1", "odd"), *((str(number), long(1000 + number)) for number in range(2, 7)))
    first, second = found.reasons
    assert found.count == 6
    assert (first.texts, first.names) == (5, ("2", "3", "4"))
    assert first.said == "the text has … tokens but the tiny model has 9 positions"
    assert tuple(second) == ("odd", 1, ("1",))


def test_numbers_that_all_texts_share_stay_and_nested_sentences_are_compared_part_by_part():
    def nested(path, reason):
        return Message("{path}: {reason}", path=path, reason=reason)

    same = skipped(("1", long(10)), ("2", long(10))).reasons[0]
    assert same.said == long(10)
    parts = skipped(("1", nested("a", long(10))), ("2", nested("a", long(11)))).reasons[0]
    assert parts.said == "a: the text has … tokens but the tiny model has 9 positions"
    other = skipped(("1", nested("a", long(10))), ("2", nested("b", Message("give a text")))).reasons[0]
    assert other.said == "…: …"
    assert "văn bản" in parts.told(Language.VI)


def test_a_text_without_a_name_is_only_counted():
    assert tuple(skipped(("", "odd")).reasons[0]) == ("odd", 1, ())


def test_parts_are_merged():
    both = skipped(("1", "odd"), ("2", long(10))).merged(skipped(("3", long(11))))
    assert [(one.texts, one.names) for one in both.reasons] == [(2, ("2", "3")), (1, ("1",))]


def test_what_is_written_is_read_again_and_told_in_another_language():
    nested = Message("{path}: {reason}", path="a.txt", reason=Message("give a text"))
    found = skipped(("1", long(10_000)), ("2", nested), ("3", "odd"))
    again = Skipped.of_record(json.loads(json.dumps(found.record())))
    assert again.reasons == found.reasons
    for mine, theirs in zip(found.reasons, again.reasons, strict=True):
        assert mine.told(Language.VI) == theirs.told(Language.VI)
    assert any("10,000" in one.told(Language.VI) and "văn bản" in one.told(Language.VI) for one in again.reasons)


def test_a_record_that_somebody_else_wrote_is_shown_on_one_line_or_refused():
    record = [{"count": 1, "names": ["a"], "said": {"template": "a\n{b}", "values": {"b": "\x1b[31m"}}}]
    (found,) = Skipped.of_record(record).reasons
    assert "\n" not in found.said
    assert "\x1b" not in found.said
    deep = {"template": "{a}", "values": {}}
    for _ in range(20):
        deep = {"template": "{a}", "values": {"a": deep}}
    with pytest.raises(AttnvizError, match="said is nested too deeply"):
        Skipped.of_record([{"count": 1, "names": [], "said": deep}])
    with pytest.raises(AttnvizError, match="said lacks values"):
        Skipped.of_record([{"count": 1, "names": [], "said": {"template": "a", "values": {"a": {"template": "b"}}}}])


def test_texts_that_were_left_out_are_written_one_by_one_and_read_again():
    each = [
        LeftOut(3, "line 4", AttnvizError("{n:,} tokens are too many", "cut {n:,}", n=1000)),
        LeftOut(5, "6", AttnvizError("odd")),
    ]
    again = left_out_of(json.loads(json.dumps(left_out_record(each))))
    assert [(one.place, one.name, one.error.message, one.error.hint) for one in again] == [
        (3, "line 4", "1,000 tokens are too many", "cut 1,000"),
        (5, "6", "odd", ""),
    ]
    with pytest.raises(AttnvizError, match="left_out"):
        left_out_of([{"place": -1}])
