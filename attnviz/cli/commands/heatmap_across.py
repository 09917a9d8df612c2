"""attnviz heatmap --across: what it refuses, and its numbers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from attnviz.choices import DrawnStep
from attnviz.cli.input.following import refuse_beside
from attnviz.cli.options.direction import DirectionOptions
from attnviz.cli.options.heatmap import PictureOptions
from attnviz.cli.output.files import deliver
from attnviz.cli.output.formats import PictureFormat
from attnviz.cli.output.terminal import visible_json
from attnviz.errors import UsageError

if TYPE_CHECKING:
    from attnviz.analysis.across.following import Following
    from attnviz.renderers.heatmap.picture import View
    from attnviz.trace.selection import Selection
    from attnviz.trace.trace import Trace

NUMBERS = (PictureFormat.CSV, PictureFormat.JSON)  # of a map across layers


def require_followed(
    following: Following | None, form: PictureFormat, picture: PictureOptions, direction: DirectionOptions
) -> None:
    """Refuse numbers of what is not followed, and beside --across what has no meaning there."""
    if following is None:
        if form in NUMBERS:
            raise UsageError(
                "heatmap writes {form} of what --across follows alone",
                "add --across rollout, or use attnviz explain --step weights --format {form}",
                form=form.value,
            )
        return
    given = {
        "--step": picture.step is not DrawnStep.WEIGHTS,
        "--toward": direction.toward is not None,
        "--compare": picture.compare is not None,
        "--format safetensors": form is PictureFormat.SAFETENSORS,
    }
    refuse_beside(given)


def write_numbers(
    trace: Trace, chosen: Selection, following: Following, form: PictureFormat, output: Path | None, view: View
) -> None:
    """Write the map as CSV or JSON, each pair by itself."""
    from attnviz.renderers.across.numbers import map_csv, map_json, whole_map

    found = whole_map(trace, chosen, following, view.report)
    if form is PictureFormat.CSV:
        deliver([map_csv(trace, found).encode()], output)
    else:
        deliver(visible_json([map_json(trace, found)], output), output)
