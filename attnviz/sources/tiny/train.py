"""Training the tiny model from its grammar alone: python -m attnviz.sources.tiny.train --seed 0 -o tiny.safetensors"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from attnviz.attention.arrays import missing_torch
from attnviz.errors import DONE, INTERRUPTED, AttnvizError
from attnviz.files import file_errors
from attnviz.sources.tiny.weights import write_weights


def main(arguments: Sequence[str] | None = None) -> int:
    """Train one model and write its file, the one that the package ships; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m attnviz.sources.tiny.train", description=__doc__)
    parser.add_argument("--seed", type=int, default=0, help="of the first weights and of all sentences")
    parser.add_argument(
        "--steps", type=int, help="at most so many until the answers are known, and so many to part the heads"
    )
    parser.add_argument("--left-alone", action="store_true", help="let nothing part the heads, for comparison")
    parser.add_argument("-o", "--output", default="tiny.safetensors", help="the file to write")
    chosen = parser.parse_args(arguments)
    try:
        write(chosen.output, chosen.seed, chosen.steps, chosen.left_alone)
    except AttnvizError as error:
        print(error.message, *filter(None, [error.hint]), sep="\n", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return INTERRUPTED
    print(chosen.output)
    return DONE


def write(path: str, seed: int, steps: int | None = None, left_alone: bool = False) -> None:
    """Train with this seed and write the weights to ``path``, whole or not at all."""
    try:
        from attnviz.sources.tiny.learning import learned, weights_of
        from attnviz.sources.tiny.plan import Plan
    except ImportError:
        raise missing_torch("training") from None
    _require_place(path)
    plan = Plan.of(seed, steps, left_alone)
    network = learned(plan, lambda line: print(line, file=sys.stderr, flush=True))
    facts = {"seed": str(seed)}
    facts |= {"steps": str(steps)} if steps is not None else {}
    facts |= {"left_alone": "true"} if left_alone else {}
    write_weights(path, weights_of(network, facts))


def _require_place(path: str) -> None:
    """Raise the AttnvizError that writing would end with, before minutes are spent on what is to be written."""
    target = Path(path)
    with file_errors(path):
        if target.is_dir():
            raise IsADirectoryError(path)
        os.scandir(target.parent).close()


if __name__ == "__main__":
    sys.exit(main())
