"""What a trace tells of its tokens: kept, saved, read again, or found out."""

from __future__ import annotations

from pathlib import Path

import numpy

import attnviz
from attnviz.trace.layer import Layer
from attnviz.trace.token_facts import NO_FACTS, TokenFacts
from attnviz.trace.trace import Trace

EYE = numpy.eye(4)[None]
TOKENS = ("[CLS]", "jour", "ney", "世")
FACTS = TokenFacts((None, 0, 0, 1), (None, (0, 4), (4, 7), (8, 9)), ("[CLS]", "jour", "##ney", "世"), (None, 0, 0, 1))


def trace(tokens=TOKENS, facts=FACTS, **more) -> Trace:
    return Trace(tokens, (Layer(EYE, EYE, EYE),), facts=facts, **more)


def test_facts_are_told_of_each_token():
    kept = trace()
    assert (kept.words, kept.spans, kept.texts, kept.segments) == FACTS


def test_facts_are_saved_and_read_again(tmp_path):
    trace(target_facts=FACTS._replace(words=())).save(tmp_path / "t.safetensors")
    again = attnviz.load(tmp_path / "t.safetensors")
    assert again.facts == FACTS
    assert again.target_facts == FACTS._replace(words=())


def test_a_file_that_holds_none_has_none(tmp_path):
    trace(facts=NO_FACTS).save(tmp_path / "t.safetensors")
    again = attnviz.load(tmp_path / "t.safetensors")
    assert again.facts == NO_FACTS
    assert again.texts == ()


def test_words_follow_from_the_text_where_nothing_else_is_known():
    text = "Your journey, 世界"
    assert attnviz.trace_text(text).words == (0, 1, 2, 3)
    cut = attnviz.trace_text(text, tokenizer="byte")
    assert [cut.words[place] for place in (0, 3, 5, 11, 12, -1)] == [0, 0, 2, 2, 3, 6]
    assert cut.spans[-3:] == ((15, 16),) * 3


def test_words_follow_from_the_spelling_where_the_text_is_not_known():
    assert trace(("[CLS]", "jour", "##ney", "世"), NO_FACTS).words == (None, 0, 0, 1)
    assert trace(("<s>", "▁jour", "ney", "▁"), NO_FACTS).words == (None, 0, 0, 1)
    assert trace(("a", "b", "a", "b"), NO_FACTS).words == (0, 1, 2, 3)


def test_facts_of_another_number_of_tokens_are_left_alone():
    assert trace(facts=FACTS._replace(texts=("a",))).texts == ()
    assert trace(facts=TokenFacts(texts=("a", "b", "c", "d"))).texts == ("a", "b", "c", "d")


def test_a_decoder_reads_facts_of_its_own():
    target = TokenFacts((None, 0, 0, 1), texts=("</s>", " a", "b", " c"))
    layers = tuple(
        Layer(EYE, EYE, EYE, index=0, name=f"{stack} 0", kind=kind)
        for stack, kind in (("encoder", "self"), ("decoder", "self"), ("cross", "cross"), ("vision", "self"))
    )
    source = {"kind": "model", "ids": [1, 2, 3, 4], "target_ids": [0, 5, 6, 7]}
    both = Trace(TOKENS, layers, source, facts=FACTS, target_facts=target)
    assert [both.query_facts(layer) for layer in layers] == [FACTS, target, target, NO_FACTS]
    assert [both.key_facts(layer) for layer in layers] == [FACTS, target, FACTS, NO_FACTS]


def test_special_tokens_are_those_that_the_ids_tell_of_or_of_no_word():
    kept = trace()
    assert kept.special_queries(kept.layers[0]) == kept.special_keys(kept.layers[0]) == {0}
    told = trace(source={"ids": [1, 2, 3, 4], "special": [3]})
    assert told.special_queries(told.layers[0]) == told.special_keys(told.layers[0]) == {3}
    bare = trace(facts=NO_FACTS)  # [CLS] may be a word of a person's own
    assert bare.special_queries(bare.layers[0]) == set()


def test_of_a_trace_that_an_older_attnviz_saved_words_follow_from_its_text():
    old = attnviz.load(Path(__file__).parent / "saved_by_0_1_0" / "model.safetensors")
    assert (old.tokens, old.facts) == (("Your", "step", "<|endoftext|>"), NO_FACTS)
    assert old.words == (0, 1, None)
    assert old.by_words().tokens == old.tokens
