"""From options to how attention is followed through layers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from attnviz.choices import RESIDUAL, HeadsAs
from attnviz.cli.options.across import AcrossOptions
from attnviz.cli.typer_groups import dashed
from attnviz.errors import UsageError

if TYPE_CHECKING:
    from attnviz.analysis.across.following import Following


def following_of(options: AcrossOptions) -> Following | None:
    """How ``options`` follow attention; None: they do not. UsageError where they only say how."""
    if options.across is None:
        for name in ("heads_as", "residual"):
            if getattr(options, name) is not None:
                raise UsageError(
                    "--{name} is for --across, which is not given", "add --across rollout", name=dashed(name)
                )
        return None
    from attnviz.analysis.across.following import Following

    residual = RESIDUAL if options.residual is None else options.residual
    return Following(options.across, options.heads_as or HeadsAs.MEAN, residual)


def refuse_beside(given: Mapping[str, bool]) -> None:
    """UsageError for the first option that is ``given`` and has no meaning where attention is followed through layers."""
    for name in (name for name, there in given.items() if there):
        raise UsageError(
            "--across follows the weights of all heads through layers, and {name} has no place there",
            "leave out one of the two",
            name=name,
        )
