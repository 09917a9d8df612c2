"""What stands around the maps of a picture, in the language of its reader: titles, the line below them, what is left out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from attnviz.analysis.maps import Frame
from attnviz.choices import CONTRIBUTIONS, MapStep
from attnviz.renderers.shared import facts
from attnviz.renderers.shared.choice import last_choice
from attnviz.renderers.shared.head_names import label
from attnviz.renderers.shared.labels import file_name, name, worn
from attnviz.text.display import shorten, shown_line
from attnviz.text.lessons import Lessons
from attnviz.trace.layer import Layer
from attnviz.trace.selection import LayerSelection
from attnviz.trace.trace import Trace

TITLE_CELLS = 120  # of a person's own title, and of the name of a file
LABEL_CELLS = 14  # a longer token is shortened on the axes
SOURCE_TOKENS = 12  # of the text in the line below the title


class Wording:
    """The words of the pictures of ``trace``."""

    def __init__(self, trace: Trace, words: Lessons) -> None:
        self.trace, self.words, self.say = trace, words, words.say
        self._names: dict[tuple[str, int], str] = {}

    def name(self, selected: LayerSelection) -> None:
        """Find out which names the selected heads have earned on this text, with which their titles end."""
        from attnviz.analysis.named_heads import named_heads

        layer = selected.layer
        for head, found in named_heads(self.trace, layer, selected.heads).items():
            self._names[layer.title, head] = "".join(f" · {label(one, self.words)}" for one in found)

    def own(self, title: str) -> str:
        """A person's own title as it may be shown."""
        return shorten(shown_line(title), TITLE_CELLS)

    def title(self, layers: Sequence[Layer], heads: Sequence[int | None], step: MapStep) -> str:
        """What is drawn of which heads, one for each panel, and by which rule."""
        layer, rules = layers[0], [layer.rule for layer in layers]
        parts = [self._what(layer, step), *self._whose(layers, heads)]
        parts += [self.say("picture.causal")] if all(rule.causal for rule in rules) else []
        if layer.rule.window is not None and len({rule.window for rule in rules}) == 1:
            parts.append(self.say("picture.window", window=layer.rule.window))
        return ", ".join(parts)

    def _what(self, layer: Layer, step: MapStep) -> str:
        """What is drawn of each head, or of all as one."""
        if step not in CONTRIBUTIONS or layer.toward is None:
            return self.say(f"picture.{step.value}")
        if layer.toward.is_output:
            return self.say(f"picture.{step.value}_output")
        return self.say(f"picture.{step.value}_toward", logit=name(layer.toward.token, LABEL_CELLS))

    def _whose(self, layers: Sequence[Layer], heads: Sequence[int | None]) -> Iterator[str]:
        """The heads, or the layers whose heads are one (None)."""
        first, several = layers[0], len(layers) > 1
        [head, *others] = heads
        if not several and (head is None or others) and self.trace.source.model_name:
            yield self._layer(first)
        if head is None:
            yield from [self.say("picture.layers", layers=len(layers))] if several else []
        elif others and several:
            yield self.say("picture.heads_of_layers", heads=len(heads), layers=len(layers))
        elif others:
            yield self.say("picture.heads", heads=len(heads))
        elif first.heads > 1:
            yield self.head(first, head)

    def head(self, layer: Layer, head: int) -> str:
        """A head in a title: "layer 0, head 2 · syntax (proved)"."""
        named = (
            self.say("picture.stack_head", layer=layer.title, head=head)
            if layer.stack
            else self.say("roles.head", layer=layer.index, head=head)
        )
        return named + self._worn(layer, head)

    def panel(self, layer: Layer, head: int | None, several: bool) -> tuple[str, str]:
        """The title of a panel, of ``several`` layers or of one, and the roles and names with which it ends."""
        if head is None:
            return (layer.title.capitalize() if layer.stack else self.say("picture.layer_panel", layer=layer.index)), ""
        if not several:
            title = self.say("picture.head", head=head)
        elif layer.stack:
            title = self.say("picture.stack_panel", layer=layer.title.capitalize(), head=head)
        else:
            title = self.say("picture.panel", layer=layer.index, head=head)
        shared = "" if layer.group == 1 else f" · kv {layer.kv_head(head)}"
        roles = self._worn(layer, head)
        return title + shared + roles, roles

    def subtitle(
        self,
        selected: LayerSelection,
        notes: Sequence[str],
        left_out: float | None,
        step: MapStep = MapStep.WEIGHTS,
    ) -> str:
        """The text, or the name of the file whose tokens have none but their positions; and what the title does not say."""
        tokens = self.trace.query_tokens(selected.layer)
        if (file := file_name(self.trace, tokens)) is not None:
            sums = facts.row_sums(self.trace.source, self.words)
            return " · ".join(filter(None, [shorten(shown_line(file), TITLE_CELLS), *notes, sums]))
        names = [name(tokens[query], LABEL_CELLS) for query in selected.query_positions[:SOURCE_TOKENS]]
        if selected.ranges[0].start > 0:
            names.insert(0, "…")
        if len(selected.query_positions) > SOURCE_TOKENS or selected.ranges[0].stop < len(tokens):
            names.append("…")
        source = self.trace.source
        whose = "picture.left_out" + "_contribution" * (step in CONTRIBUTIONS)
        parts = (
            f"“{' '.join(names)}”",
            self._choice(selected),
            *notes,
            facts.merged(source, self.words),
            facts.exactness(source.model_name, source.agreement.largest_error, self.words),
            facts.left_out(left_out, self.words, whose),
            facts.row_sums(source, self.words),
        )
        return " · ".join(filter(None, parts))

    def notes(self, selected: LayerSelection, frame: Frame) -> list[str]:
        """What the title says of a map that is not simply of all tokens."""
        notes = []
        if not selected.whole:
            notes = [
                facts.queries(frame.queries, self.words),
                facts.keys(frame.keys, self.words),
            ]
        if frame.pooled:
            (down, across), (high, wide) = frame.shape, frame.cell
            sizes = {"down": f"{down:,}", "across": f"{across:,}", "high": f"{high:,}", "wide": f"{wide:,}"}
            sizes["pool"] = self.say(f"picture.{frame.pool.value}")
            notes.append(self.say("picture.cells_words" if self.trace.source.merged else "picture.cells", **sizes))
        return notes

    def _worn(self, layer: Layer, head: int) -> str:
        """The proved roles of a head, and the names that it has earned on this text."""
        return worn(self.trace, layer, head, self.words) + self._names.get((layer.title, head), "")

    def _layer(self, layer: Layer) -> str:
        return layer.title if layer.stack else self.say("picture.layer", layer=layer.index)

    def _choice(self, selected: LayerSelection) -> str:
        """The token that a model chose after the last row, which is none itself."""
        if (choice := last_choice(self.trace, selected)) is None:
            return ""
        return self.say("picture.chose", chosen=choice.token, share=choice.share)
