"""What is said of effects beside their numbers: of which predictions they are, and how to read them."""

from __future__ import annotations

import math
from collections.abc import Iterator

from attnviz.analysis.effect_corpus import EffectStatistics
from attnviz.choices import Effect
from attnviz.renderers.shared.facts import exactness, sampled
from attnviz.text.display import shorten, shown
from attnviz.text.lessons import Lessons

ANSWER_CELLS = 24


def facts(statistics: EffectStatistics, lessons: Lessons) -> str:
    """One line: of what the numbers are, what the model predicts with all heads, and whether something is missing."""
    say = lessons.say
    parts = [
        exactness(statistics.model, statistics.error, lessons),
        sampled(statistics.sampled, lessons),
        say("stats.count_texts", count=f"{statistics.texts:,}"),
        say("stats.count_tokens", count=f"{statistics.tokens:,}"),
        say("stats.skipped", count=f"{statistics.skipped:,}") if statistics.skipped else "",
        *_whole(statistics, lessons),
        say("stats.partial") if statistics.partial else "",
    ]
    return " · ".join(filter(None, parts))


def reading(statistics: EffectStatistics, lessons: Lessons) -> str:
    """What was done, and what a number is."""
    said = lessons.say(f"effect.by_{statistics.ablation.value}")
    return said + lessons.say("effect.texts") if statistics.texts > 1 else said


def brief(statistics: EffectStatistics, lessons: Lessons) -> str:
    """What was done, below a title that says what a number is."""
    return lessons.say(f"effect.brief_{statistics.ablation.value}")


def over(effect: Effect, lessons: Lessons) -> str:
    """Over which predictions ``effect`` is."""
    return lessons.say(f"effect.{effect.value}_over")


def title(effect: Effect, statistics: EffectStatistics, lessons: Lessons) -> str:
    """What ``effect`` is, of the answer where there is one."""
    if effect is not Effect.PROBABILITY:
        return lessons.say(f"effect.{effect.value}")
    if statistics.answer is None:
        return lessons.say("effect.probability_any")
    return lessons.say("effect.probability", answer=answer(statistics.answer))


def answer(label: str) -> str:
    """A token as sentences name it."""
    return shorten(shown(label), ANSWER_CELLS)


def footnotes(statistics: EffectStatistics, lessons: Lessons) -> list[str]:
    """What each effect is, and what it does not say."""
    told = [
        lessons.say("stats.over", metric=one.value, title=title(one, statistics, lessons), queries=over(one, lessons))
        for one in statistics.metrics
    ]
    none = [lessons.say("effect.no_loss")] if math.isnan(statistics.whole(Effect.LOSS).mean) else []
    return [*told, *none, lessons.say("effect.caveat")]


def _whole(statistics: EffectStatistics, lessons: Lessons) -> Iterator[str]:
    """What the model with all heads predicts."""
    loss, probability = (statistics.whole(one).mean for one in (Effect.LOSS, Effect.PROBABILITY))
    if not math.isnan(loss):
        yield lessons.say("effect.whole_loss", loss=f"{loss:.3f}")
    if math.isnan(probability):
        return
    chance = f"{probability:.3f}"
    if statistics.answer is None:
        yield lessons.say("effect.whole_any", probability=chance)
    else:
        yield lessons.say("effect.whole_probability", answer=answer(statistics.answer), probability=chance)
