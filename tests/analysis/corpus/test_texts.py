"""What is counted of texts: added up, and refused where they were read otherwise."""

from __future__ import annotations

import pytest

from attnviz.analysis.corpus.texts import Texts
from attnviz.errors import AttnvizError
from attnviz.trace.origin import Origin


def texts(count: int = 1, **source) -> Texts:
    found = Texts()
    facts = {"kind": "model", "model": "M", "dtype": "float32", "device": "cpu"} | source
    for _ in range(count):
        vars(found).update(found.one_more(Origin(facts), 3))
    return found


def both(one: Texts, other: Texts) -> Texts:
    found = Texts()
    vars(found).update(one.counts_with(other))
    return found


def test_texts_and_tokens_are_added_up_and_the_largest_error_counts():
    one, other = texts(2, agreement={"largest_error": 1e-6}), texts(agreement={"largest_error": 2e-6})
    found = both(one, other)
    assert (found.texts, found.tokens, found.error, found.model) == (3, 9, 2e-6, "M")
    assert both(texts(), texts()).error is None


def test_those_of_which_only_some_queries_were_compared_are_counted():
    some, each = ({"largest_error": 0.0, "checked_queries": checked, "queries": 90} for checked in (64, 90))
    found = both(texts(2, agreement=some), texts(3, agreement=each))
    assert (found.texts, found.sampled) == (5, 2)
    again = Texts()
    again.take_texts(found.texts_record())
    assert again.sampled == 2


@pytest.mark.parametrize("fact", ["model", "dtype", "architecture", "adapter"])
def test_another_model_is_refused(fact):
    with pytest.raises(AttnvizError, match=f"{fact} is A in one and B in the other"):
        both(texts(**{fact: "A"}), texts(**{fact: "B"}))


def test_where_the_weights_are_known_they_tell_and_not_the_name_of_a_folder():
    one, other = texts(model="here"), texts(model="there")
    one.weights = other.weights = "abc"
    assert (both(one, other).model, both(other, one).model) == ("here", "here")
    assert "model" not in both(one, other).source
    other.weights = "def"
    with pytest.raises(AttnvizError, match=r"model is here \(abc\) in one and there \(def\) in the other"):
        both(one, other)


def test_a_machine_may_be_another_one():
    found = both(texts(device="cpu"), texts(device="cuda"))
    assert "device" not in found.source
    assert found.source["dtype"] == "float32"


def test_nothing_is_merged_with_anything_that_was_asked_alike():
    empty, some = Texts(), texts(2)
    for found in (both(empty, some), both(some, empty)):
        assert (found.texts, found.source, found.model) == (2, some.source, "M")
    empty.asked = {"layer": ["0"]}
    with pytest.raises(AttnvizError, match=r'layer is \["0"\] in one and not set in the other'):
        both(empty, some)


def test_what_is_written_is_read_again():
    one = texts(2, agreement={"largest_error": 1e-6})
    one.skip("odd", "line 4")
    one.partial, one.weights, one.asked = True, "abc", {"chat": "True"}
    again = Texts()
    again.take_texts(one.texts_record())
    assert again.texts_record() == one.texts_record()
    assert (again.skipped, again.partial, again.source) == (1, True, one.source)


def test_a_whole_number_of_many_digits_is_one_that_json_can_be_written_of():
    again = Texts()
    again.take_texts(texts(2).texts_record() | {"error": 10**30})
    assert isinstance(again.error, float)
    assert again.error == 1e30
