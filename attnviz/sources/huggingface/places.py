"""Which tokens of a text a model predicts: each from those before it, or each that is hidden from those around it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy
import torch

from attnviz.errors import AttnvizError
from attnviz.sources.huggingface.inputs import Reading
from attnviz.sources.huggingface.model import Model
from attnviz.trace.ablation import UNKNOWN


@dataclass(frozen=True)
class Places:
    """The predictions that a model makes of a text.

    inputs   the model's, by name; ``name`` is the one whose tokens are predicted
    hidden   the tokens that are hidden one at a time, in a pass each; None: one pass predicts at every place
    mask     the token in the place of one that is hidden
    targets  the token of each prediction, (predictions,), ``UNKNOWN`` where nobody knows
    asked    which of the predictions is that of the answer, or None
    """

    inputs: dict[str, torch.Tensor]
    name: str
    targets: numpy.ndarray
    asked: int | None
    hidden: tuple[int, ...] | None = None
    mask: int = UNKNOWN

    @property
    def passes(self) -> int:
        """How often the text is read for all predictions."""
        return 1 if self.hidden is None else len(self.hidden)

    @property
    def tokens(self) -> int:
        """How many the model reads in a pass."""
        return sum(int(ids.shape[-1]) for name, ids in self.inputs.items() if name.endswith("input_ids"))

    def rows(self, passes: list[int]) -> dict[str, torch.Tensor]:
        """The inputs of some of the passes, one behind the other."""
        rows = {name: value.expand(len(passes), *value.shape[1:]) for name, value in self.inputs.items()}
        if self.hidden is not None:
            ids = rows[self.name].clone()
            ids[torch.arange(len(passes)), torch.tensor([self.hidden[one] for one in passes])] = self.mask
            rows[self.name] = ids
        return rows

    def predicted(self, logits: torch.Tensor, one: int) -> torch.Tensor:
        """What a pass predicts, (predictions, vocabulary), of its ``logits``, (tokens, vocabulary)."""
        return logits if self.hidden is None else logits[self.hidden[one] : self.hidden[one] + 1]


def next_tokens(reading: Reading) -> Places:
    """Each token of the text, or of what a decoder reads, from those before it, and one behind the last."""
    name = "decoder_input_ids" if "decoder_input_ids" in reading.inputs else "input_ids"
    ids = reading.inputs[name][0].tolist()
    return Places(reading.inputs, name, numpy.array([*ids[1:], UNKNOWN]), asked=len(ids) - 1)


def gaps(model: Model, reading: Reading) -> Places:
    """Each token that is not special, hidden while all others are seen (Salazar et al. 2020, "Masked Language Model
    Scoring", 1910.14659); and the gap that the text itself has, if it is one."""
    ids, mask = reading.inputs["input_ids"][0].tolist(), model.tokenizer.mask_token_id
    if mask is None:
        raise AttnvizError("the tokenizer has no token for a gap, and this model predicts nothing else")
    special = set(() if reading.tokens is None else reading.tokens.special)
    given = [place for place, number in enumerate(ids) if number == mask]
    own = [place for place in range(len(ids)) if place not in special and place not in given]
    asked = len(own) if len(given) == 1 else None
    hidden = (*own, *given[: asked is not None])
    if not hidden:
        raise AttnvizError("there is no token here that the model could predict", "give at least one word")
    targets = [ids[place] if place in own else UNKNOWN for place in hidden]
    return Places(reading.inputs, "input_ids", numpy.array(targets), asked, hidden, mask)
