"""Each list of tokens stands in a page once."""

from __future__ import annotations

from attnviz.renderers.page.token_lists import TokenLists


def test_equal_tokens_are_there_once():
    texts = TokenLists()
    assert [
        texts.add(("a", "b"), []),
        texts.add(("a",), []),
        texts.add(("a", "b"), [0]),
        texts.add(("a", "b"), []),
    ] == [
        0,
        1,
        2,
        0,
    ]
    assert [texts.add_labels(["a", "b"]), texts.add_labels(["a", "b"])] == [3, 3]
    assert texts.lists[2] == {"labels": ["a", "b"], "names": {}, "special": [0]}


def test_a_long_token_has_a_short_name():
    texts = TokenLists()
    texts.add(("a", "b" * 200), [])
    [said] = texts.lists
    assert said["labels"][1] == "b" * 200
    assert list(said["names"]) == [1]
    assert len(said["names"][1]) < 50


def test_tokens_that_are_patches_of_an_image_have_a_grid():
    texts = TokenLists()
    texts.add(("[CLS]", "0,0", "0,1", "1,0", "1,1"), [0])
    texts.add(("a", "b"), [])
    assert ["grid" in one for one in texts.lists] == [True, False]
