"""What is said beside effects: of what they are, and how to read them."""

from __future__ import annotations

from made_effects import gathered, made_effects

from attnviz.choices import Ablation, Effect, Language
from attnviz.renderers.effects.facts import brief, facts, footnotes, over, reading, title
from attnviz.text.lessons import lessons

EN = lessons()


def test_the_model_with_all_heads_is_told():
    assert facts(gathered(), EN).split(" · ") == [
        "made-up, recomputed to within 2.0e-07 of its own outputs",
        "texts: 1",
        "tokens: 7",
        "loss with all heads: 3.500 nats",
        "probability of “·Paris” with all heads: 0.750",
    ]
    several = gathered(made_effects(), made_effects(" Rome"))
    several.partial = True
    for _ in range(2):
        several.skip("unread")
    assert facts(several, EN).split(" · ")[1:] == [
        "texts: 2",
        "tokens: 14",
        "skipped: 2",
        "loss with all heads: 3.500 nats",
        "probability of the likeliest token with all heads: 0.750",
        "partial: interrupted before the last text",
    ]


def test_what_is_not_known_is_not_told():
    said = facts(gathered(made_effects(answer=None, loss=float("nan"))), EN)
    assert "loss" not in said
    assert "probability" not in said


def test_what_was_done_is_told():
    assert "its output is its mean over the text" in reading(gathered(), EN)
    assert "its output is 0" in reading(gathered(ablation=Ablation.ZERO), EN)
    assert reading(gathered(made_effects(), made_effects()), EN).endswith("; mean ± deviation over texts")
    assert brief(gathered(), EN).endswith("its output is its mean over the text")
    assert brief(gathered(ablation=Ablation.ZERO), EN).endswith("its output is 0")
    assert "deviation" not in reading(gathered(), EN)


def test_a_token_is_shown_and_never_as_it_is():
    hostile = gathered(made_effects("\x1b[31m" + "x" * 80))
    assert "\x1b" not in facts(hostile, EN)
    assert len(title(Effect.PROBABILITY, hostile, EN)) < 80


def test_each_effect_is_explained_and_the_caveat_comes_last():
    lines = footnotes(gathered(), EN)
    assert [line.partition(":")[0] for line in lines[:-1]] == ["loss", "probability", "kl"]
    assert lines[-1].startswith("A small effect does not mean")
    assert len(footnotes(gathered(made_effects(answer=None)), EN)) == 3
    several = gathered(made_effects(), made_effects(" Rome"))
    assert title(Effect.PROBABILITY, several, EN).endswith("the token that the model thinks likeliest")
    for language in Language:
        assert len({over(effect, lessons(language)) for effect in Effect}) == 3
