"""One effect of all heads as a map of layers × heads."""

from __future__ import annotations

from attnviz.analysis.effect_corpus import EffectStatistics
from attnviz.choices import Effect, MapStep
from attnviz.renderers.effects.facts import brief, facts, over, title
from attnviz.renderers.heatmap.picture import Picture
from attnviz.renderers.shared.scale import scale_of
from attnviz.renderers.stats.head_map import head_map
from attnviz.text.lessons import Lessons, lessons


def decide(
    statistics: EffectStatistics, effect: Effect, own: str | None = None, words: Lessons | None = None
) -> Picture:
    """The picture: one row per layer, one column per head, in two colours where a change has both signs.

    ``own`` is a person's own title; ``words`` are in the language of the reader; None: in English. AttnvizError where no head has a value.
    """
    words = words or lessons()
    picture = head_map(statistics.heads(), effect, over(effect, words), words)
    return picture._replace(
        title=own or title(effect, statistics, words),
        subtitle=f"{facts(statistics, words)} · {brief(statistics, words)}",
        scale=scale_of([picture.panels[0].values], MapStep.SCORES),
        measure=words.say("effect.probability_unit" if effect is Effect.PROBABILITY else "effect.nats"),
    )


def usual(answered: bool) -> Effect:
    """The effect that is drawn where none is named: on the answer's probability where a person gave one, else on the loss."""
    return Effect.PROBABILITY if answered else Effect.LOSS
