from hypothesis import given
from hypothesis import strategies as st

from attnviz.renderers.explain.document import Abreast, Heading, Section, one_by_one, with_tokens
from attnviz.text.lessons import lessons


def test_tokens_are_told_from_the_text_around_them():
    assert with_tokens("`a` looks at `b` @1.", str.upper, lambda token: f"<{token}>") == "<a> LOOKS AT <b> @1."
    assert with_tokens("no token", str.upper, lambda token: f"<{token}>") == "NO TOKEN"


def test_what_stands_side_by_side_is_told_one_after_the_other():
    heading, *sections = Heading(1, "a"), *(Section(title, "", [], []) for title in "bcd")
    assert list(one_by_one([heading, Abreast(sections[:2]), sections[2]])) == [heading, *sections]


@given(token=st.text("`a_<", min_size=1, max_size=5))
def test_a_token_may_hold_what_stands_around_tokens(token):
    sentence = lessons().say("masked.blind", query=token)
    written = with_tokens(sentence, lambda _: "", lambda one: f"[{one}]")
    assert written == f"[{token}]"
