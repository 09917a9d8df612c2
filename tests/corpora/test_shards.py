"""A corpus is cut the same way whoever measures it, and each shard is named by all that decides what is measured."""

from __future__ import annotations

import pytest
from corpora import corpus

from attnviz.corpora.shards import Shard, shards
from attnviz.errors import AttnvizError
from attnviz.sources.texts.corpus import CorpusText, Unread


@pytest.mark.parametrize(("count", "sizes"), [(0, []), (1, [1]), (4, [4]), (9, [4, 4, 1])])
def test_each_text_is_in_one_shard_in_its_order(count, sizes):
    texts = corpus(count)
    made = list(shards(texts, 4))
    assert [len(shard.texts) for shard in made] == sizes
    assert [text for shard in made for text in shard.texts] == texts
    assert [shard.number for shard in made] == list(range(len(sizes)))


def test_the_stream_is_read_no_further_than_the_shard_that_is_asked_for():
    taken = []
    stream = shards((taken.append(text.number) or text for text in corpus(9)), 4)
    next(stream)
    assert taken == [1, 2, 3, 4]


def test_a_name_changes_with_a_text_with_what_it_is_called_and_with_the_job():
    texts = corpus(2)
    (shard,) = shards(texts)
    changed = [
        shard.key("another job"),
        *(
            next(shards(other)).key("job")
            for other in (
                [texts[0], texts[1]._replace(text="other words")],
                [texts[0], texts[1]._replace(name="line 3")],
                texts[::-1],
                texts[:1],
                [texts[0], Unread(2, "line 2", AttnvizError("it holds no word"))],
                [texts[0], Unread(2, "line 2", AttnvizError("it is not JSON"))],  # a shard keeps why, too
            )
        ),
    ]
    assert shard.key("job") == next(shards(corpus(2))).key("job")
    assert len({shard.key("job"), *changed}) == 8


def test_texts_that_run_into_each_other_are_not_confused():
    """["ab", "c"] and ["a", "bc"] are other texts."""
    one, other = ([CorpusText(n, "line", text) for n, text in enumerate(texts)] for texts in (("ab", "c"), ("a", "bc")))
    assert next(shards(one)).key("job") != next(shards(other)).key("job")


def test_a_person_is_told_where_a_shard_stands():
    _, second = shards(corpus(5), 3)
    assert second.told == "shard 1 (line 4 to line 5)"


def test_a_text_that_has_not_come_yet_changes_no_shard():
    one, two, three = corpus(3)
    found = list(shards([None, one, None, two, three, None], 2))
    assert found == [None, None, Shard(0, (one, two)), None, Shard(1, (three,))]
