"""What a trace keeps of each token: given, saved, read again, or found out."""

from __future__ import annotations

from dataclasses import replace

import numpy
import pytest

from attnviz import AttnvizError
from attnviz.trace.layer import Layer
from attnviz.trace.token_facts import NO_FACTS, TokenFacts, known_facts, read_token_facts
from attnviz.trace.trace import Trace

EYE = numpy.eye(4)[None]
TOKENS = ("[CLS]", "jour", "ney", "世")
FACTS = TokenFacts((None, 0, 0, 1), (None, (0, 4), (4, 7), (8, 9)), ("[CLS]", "jour", "##ney", "世"), (None, 0, 0, 1))


def trace(tokens=TOKENS, facts=FACTS, **more) -> Trace:
    return Trace(tokens, (Layer(EYE, EYE, EYE),), facts=facts, **more)


def test_what_a_model_wrote_goes_on_behind_a_text():
    before = TokenFacts((None, 0, 1), (None, (0, 1), (2, 3)), ("<s>", "a", " b"))
    whole = TokenFacts((None, 7, 8, 8, 9, None), texts=("<s>", "a", " b", "c", " d", "</s>"))
    joined = before.continued(whole)
    assert joined.words == (None, 0, 1, 1, 2, None)
    assert joined.spans == (None, (0, 1), (2, 3), None, None, None)
    assert joined.texts == whole.texts
    assert NO_FACTS.continued(whole).words == (None, 0, 1, 1, 2, None)


def test_what_stands_around_a_text_has_no_characters_of_it():
    facts = TokenFacts((0, 1, 2), ((0, 2), (3, 4), (5, 6)))
    assert facts.within("Q: a .", "a .").spans == (None, (0, 1), (2, 3))
    assert facts.within("a", "a") == facts
    assert facts.within("Q: a", "b").spans == ()


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"words": "ab"}, "words of tokens are 'ab'"),
        ({"words": 5}, "words of tokens are 5"),
        ({"words": [0, -1]}, "that of token 1 is -1: expected a number of a word, or None"),
        ({"words": [True]}, "that of token 0 is True"),
        ({"words": [2**60]}, "that of token 0"),
        ({"spans": [[1, 0]]}, "expected where its characters begin and end, or None"),
        ({"spans": [[1]]}, "that of token 0"),
        ({"spans": [[None, 1]]}, "that of token 0"),
        ({"spans": [3]}, "that of token 0"),
        ({"texts": [3]}, "expected a text"),
        ({"segments": [2]}, "expected 0, 1 or None"),
    ],
)
def test_facts_that_can_be_none_are_refused(facts, said):
    with pytest.raises(AttnvizError) as error:
        read_token_facts(facts)
    assert said in str(error.value)
    with pytest.raises(AttnvizError):
        replace(trace(), facts=facts)


def test_lone_surrogates_are_written_out():
    assert read_token_facts({"texts": ["\udc80"]}).texts == ("\\udc80",)


def test_what_is_not_kept_follows_from_the_tokens():
    assert known_facts(TOKENS, FACTS, "other", ()) == FACTS
    found = known_facts(("[CLS]", "a", "cat"), TokenFacts(texts=("[CLS]", "a", " cat")), "a cat", ())
    assert found == TokenFacts((None, 0, 1), (None, (0, 1), (2, 5)), ("[CLS]", "a", " cat"))
    assert known_facts(("a", "dog"), NO_FACTS, "a cat", ()) == TokenFacts((0, 1))
    assert known_facts(("end", "dog"), NO_FACTS, "", {0}) == TokenFacts((None, 0))


def test_a_start_in_front_moves_all_facts_by_one():
    moved = FACTS.behind("</s>")
    assert moved.words == (None, None, 0, 0)
    assert moved.texts == ("</s>", "[CLS]", "jour", "##ney")
    assert NO_FACTS.behind("</s>") == NO_FACTS
    assert FACTS.record.keys() == {"words", "spans", "texts", "segments"}
    assert FACTS.of(3) == NO_FACTS
