"""How one text of many is read: cut into tokens, and no longer than it may be."""

from __future__ import annotations

from attnviz.errors import AttnvizError, ChoiceError, UsageError
from attnviz.sources.given import Given
from attnviz.sources.huggingface.at_once import Asked
from attnviz.sources.huggingface.cutting import fitted
from attnviz.sources.huggingface.inputs import position_count, read
from attnviz.sources.huggingface.model import Model
from attnviz.sources.texts.length import Length


class Asking:
    """Reads texts for ``model``, in its chat template or not.

    length  how many tokens a text may have, beside what the model reads, and what becomes of a longer one
    """

    def __init__(self, model: Model, chat: bool, length: Length) -> None:
        self._model, self._chat = model, chat
        self.length = length.within(position_count(model.model))

    def __call__(self, number: int, given: Given) -> Asked | AttnvizError:
        """A text, which has this ``number`` among others, or why it cannot be read; what no other would do better is raised."""
        try:
            if self.length.cut and isinstance(given.text, str):
                given = given._replace(text=self.fit(given.text, given.pair))
            reading = read(self._model, given.text, given.target, self._chat, given.image, given.pair)
            if reading.tokens is not None:
                self.length.require(len(reading.tokens.ids))
        except (ChoiceError, UsageError):
            raise
        except AttnvizError as error:
            return error
        return Asked(number, given, reading)

    def fit(self, text: str, pair: str | None = None) -> str:
        """As much of a text as may be read."""
        return fitted(self._model, text, self.length, self._chat, pair)
