"""attnviz heatmap: the picture."""

from __future__ import annotations

from attnviz.cli.options import EngineOptions, PartOptions, PictureOptions, RuleOptions, SourceOptions, ToyOptions


def heatmap(source: SourceOptions, toy: ToyOptions, rule: RuleOptions, part: PartOptions, picture: PictureOptions, engine: EngineOptions) -> None:
    """Draw the heads of a layer as heat maps.

    Example: attnviz heatmap --causal --heads 4
    """
