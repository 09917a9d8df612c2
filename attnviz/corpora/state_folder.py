"""A folder that keeps what is finished: a file for each shard, and one that says what all of them are of."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from attnviz.corpora.shards import Shard
from attnviz.corpora.work import Made, Work
from attnviz.errors import AttnvizError
from attnviz.files import file_errors, read_whole, write_whole
from attnviz.text.message import COMMA, Message, joined

ABOUT = "attnviz-state.json"
LARGEST = 1 << 20  # bytes of what the folder says of itself


class StateFolder:
    """Finished shards of one job, in files that are written whole and named by what is in them.

    AttnvizError where the folder cannot be made, read or written, or keeps the shards of another job.
    """

    def __init__(self, folder: Path, work: Work, size: int) -> None:
        self.folder, self.work, self.job = folder, work, work.name
        if folder.exists() and not folder.is_dir():
            raise AttnvizError("{path} is a file, not a folder", "name a new folder, or an empty one", path=folder)
        with file_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
        about = {"attnviz_state": 1, "job": self.job, "options": work.options | {"shard_size": size}}
        if (folder / ABOUT).exists():
            _require_same(folder / ABOUT, about)
        else:
            _require_own(folder)
            write_whole(folder / ABOUT, [json.dumps(about, indent=1).encode()])

    def path(self, shard: Shard) -> Path:
        """Where ``shard`` is kept."""
        return self.folder / f"{shard.key(self.job)}.stats"

    def keep(self, shard: Shard, content: bytes) -> Path:
        """Keep what was made of ``shard``: whole, or not at all."""
        from attnviz.analysis.corpus.state_file import of_shard

        path = self.path(shard)
        write_whole(path, [of_shard(content, path.stem)])
        return path

    def kept(self, shard: Shard) -> Made | None:
        """What is kept of ``shard``; None where it is not there. AttnvizError where it is damaged, or of other texts."""
        from attnviz.analysis.corpus.state_file import require_shard

        path = self.path(shard)
        if not path.exists():
            return None
        content = read_whole(path)
        made = self.work.opened(content, str(path))
        require_shard(content, path.stem, str(path))
        return made


def _require_same(path: Path, about: dict[str, Any]) -> None:
    """Refuse the folder of another job, and say what differs."""
    try:
        kept = json.loads(read_whole(path, LARGEST))
        job, before = str(kept["job"]), dict(kept["options"])
    except (ValueError, TypeError, KeyError, RecursionError):
        raise AttnvizError(
            "{path} is damaged: it does not say which shards the folder keeps", "name another folder", path=path
        ) from None
    if before.get("measures") != about["options"]["measures"]:
        raise AttnvizError(
            "{folder} keeps shards of {found}, and {asked} are asked for",
            "name another folder",
            folder=path.parent,
            found=before.get("measures"),
            asked=about["options"]["measures"],
        )
    if (other := sorted({*_differing(before, about["options"])})) or job != about["job"]:
        what = joined(other, COMMA) if other else Message("what the model's files hold, or attnviz's version")
        raise AttnvizError(
            "{folder} keeps shards that were made otherwise; what differs: {what}",
            "name another folder, or run with the same options",
            folder=path.parent,
            what=what,
        )


def _differing(kept: dict[str, Any], asked: dict[str, Any]) -> list[str]:
    """The names of the options that differ, those of a group each by its own."""
    names = []
    for name in sorted({*kept, *asked}):
        mine, theirs = kept.get(name), asked.get(name)
        if isinstance(mine, dict) and isinstance(theirs, dict):
            names += _differing(mine, theirs)
        elif mine != theirs:
            names.append(name)
    return names


def _require_own(folder: Path) -> None:
    """Refuse a folder with anything else in it: it would be mixed up with that, or be somebody's mistake."""
    with file_errors(folder):
        others = sorted(entry.name for entry in os.scandir(folder) if not entry.name.startswith("."))
    if others:
        raise AttnvizError(
            "{folder} holds other files, such as {name}",
            "name a new folder, or an empty one",
            folder=folder,
            name=others[0],
        )
