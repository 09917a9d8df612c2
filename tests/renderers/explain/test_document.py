from hypothesis import given
from hypothesis import strategies as st

from attnviz.renderers.explain.document import with_tokens
from attnviz.text.lessons import lessons


def test_tokens_are_told_from_the_text_around_them():
    assert with_tokens("`a` looks at `b` @1.", str.upper, lambda token: f"<{token}>") == "<a> LOOKS AT <b> @1."
    assert with_tokens("no token", str.upper, lambda token: f"<{token}>") == "NO TOKEN"


@given(token=st.text("`a_<", min_size=1, max_size=5))
def test_a_token_may_hold_what_stands_around_tokens(token):
    sentence = lessons().say("masked.blind", query=token)
    written = with_tokens(sentence, lambda _: "", lambda one: f"[{one}]")
    assert written == f"[{token}]"
