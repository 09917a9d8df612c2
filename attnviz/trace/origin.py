"""Where a trace comes from: what its source says of it, read with types and saved as the same JSON.

A saved trace may say anything: what is not as the constructors here write it counts as unsaid, and is kept as it came.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Generic, NamedTuple, TypeVar, overload

from attnviz.errors import AttnvizError
from attnviz.text.characters import valid_text
from attnviz.text.display import shorten, shown
from attnviz.text.message import Message
from attnviz.trace.agreement import Agreement, exactness, read_agreement
from attnviz.trace.layer import TOWERS, Layer
from attnviz.trace.layer_facts import layers_words

NAME_CELLS = 60
DEPTH = 32  # of what a source says: more than any fact needs, and less than a writer of JSON takes
# The other facts hold for any text.
OF_ONE_TEXT = ("original", "pair", "ids", "special", "target_ids", "target_special", "agreement", "picture")

Value = TypeVar("Value")
Unsaid = TypeVar("Unsaid")


class Fact(Generic[Value, Unsaid]):
    """A fact under the attribute's own name: its value if it is of ``kind``, else ``unsaid``."""

    def __init__(self, kind: type[Value], unsaid: Unsaid) -> None:
        self.kind, self.unsaid = kind, unsaid

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, origin: None, owner: type) -> Fact[Value, Unsaid]: ...
    @overload
    def __get__(self, origin: Mapping[str, Any], owner: type) -> Value | Unsaid: ...
    def __get__(self, origin: Mapping[str, Any] | None, owner: type) -> Fact[Value, Unsaid] | Value | Unsaid:
        if origin is None:
            return self
        value = origin.get(self.name)
        return value if isinstance(value, self.kind) else self.unsaid


class TokenIds(NamedTuple):
    """A text as a model's vocabulary numbers it.

    ids      one per token; nothing where they are not known
    special  the positions of special tokens among them
    """

    ids: tuple[int, ...] = ()
    special: frozenset[int] = frozenset()

    def of(self, count: int) -> TokenIds:
        """These, if there is one for each of ``count`` tokens; else the tokens are others: the patches of an image."""
        return self if len(self.ids) == count else TokenIds()


class Origin(dict[str, Any]):
    """What a trace's source says: a mapping of names and values, as JSON has it, whose known facts are attributes.

    kind                          "toy", "arrays" or "model"
    tokenizer, seed, dim, position, projected            of a toy, the options that made it
    own                           whether some of a toy's numbers are a person's own
    file, unread                                         of arrays, the file's name, and what else it holds
    model, architecture, dtype, device, transformers     of a model
    adapter                       the folder of the adapter that was put into it
    unseen                        the modules of a model whose attention could not be watched
    unprojected                   the titles of a model's layers whose W_O was looked for and not found
    because                       why weights alone are known of a layer, by its title
    agreement                     how exactly the trace holds what the model computed
    row_sums                      of weights alone, how many rows do not add up to 1, and where the furthest is
    original, pair                the text as a person gave it, before it was cut into tokens, and the second one of a pair
    merged                        "words" where these stand in place of tokens
    picture                       the size in pixels of the picture that was read
    text, target                  the ids of the text, and of what a decoder reads
    """

    kind = Fact(str, "arrays")
    tokenizer = Fact(str, "")
    seed = Fact(int, None)
    dim = Fact(int, None)
    position = Fact(str, "")
    projected = Fact(bool, False)
    own = Fact(bool, False)
    file = Fact(str, "")
    model = Fact(str, "")
    architecture = Fact(str, "")
    dtype = Fact(str, "")
    device = Fact(str, "")
    transformers = Fact(str, "")
    adapter = Fact(str, "")
    original = Fact(str, "")
    pair = Fact(str, "")
    merged = Fact(str, "")

    @classmethod
    def of_toy(
        cls, *, tokenizer: str, seed: int, dim: int, position: str, projected: bool, own: bool = False
    ) -> Origin:
        """The origin of toy attention that these options made."""
        options = {"tokenizer": tokenizer, "seed": seed, "dim": dim, "position": position}
        return cls(kind="toy", **options, projected=projected, **({"own": True} if own else {}))

    @classmethod
    def of_arrays(cls, file: str, unread: Sequence[str] = ()) -> Origin:
        """The origin of arrays in ``file``, which also holds what is ``unread``."""
        return cls(kind="arrays", file=file, **({"unread": list(unread)} if unread else {}))

    @classmethod
    def of_model(
        cls,
        *,
        model: str,
        architecture: str,
        dtype: str,
        device: str,
        transformers: str,
        agreement: Agreement,
        unseen: Sequence[str] = (),
        unprojected: Sequence[str] = (),
        because: Mapping[str, str] = MappingProxyType({}),
        adapter: str | None = None,
        text: TokenIds | None = None,
        target: TokenIds | None = None,
    ) -> Origin:
        """The origin of one text that a model read; ``text`` and ``target`` are None where there is none with ids."""
        origin = cls(kind="model", model=model, architecture=architecture, dtype=dtype, device=device)
        origin |= {"transformers": transformers, "agreement": agreement.facts()}
        lacking = {"unseen": list(unseen), "unprojected": list(unprojected), "because": dict(because)}
        origin |= {name: said for name, said in lacking.items() if said} | ({"adapter": adapter} if adapter else {})
        for side, tokens in (("", text), ("target_", target)):
            if tokens is not None:
                origin |= _ids(side, tokens)
        return origin

    def of_other(self, agreement: Agreement, text: TokenIds) -> Origin:
        """The origin of another ``text`` that the same model read in the same way."""
        alike = {name: value for name, value in self.items() if name not in ("original", "pair")}
        return Origin(alike | {"agreement": agreement.facts()} | _ids("", text))

    def of_text(self, text: object, pair: str | None = None) -> Origin:
        """The same, of a ``text`` as a person gave it, and its ``pair``; what is no text, such as ids, is not told."""
        given = {"original": text, "pair": pair}
        return Origin(self | {name: valid_text(one) for name, one in given.items() if isinstance(one, str)})

    @property
    def drawn(self) -> bool:
        """Whether all numbers are made up: what looks at what means nothing."""
        return self.kind == "toy" and not self.own

    @property
    def has_sines(self) -> bool:
        """Whether the positions that are added to embeddings are sines and cosines, not learned ones."""
        return self.position == "sinusoidal"

    @property
    def unread(self) -> tuple[str, ...]:
        """The names of arrays in the file that attnviz does not read."""
        return _all_of(str, self.get("unread"))

    @property
    def unseen(self) -> tuple[str, ...]:
        """The modules of the model whose attention could not be watched."""
        return _all_of(str, self.get("unseen"))

    @property
    def unprojected(self) -> tuple[str, ...]:
        """The titles of the layers whose W_O was looked for and not found."""
        return _all_of(str, self.get("unprojected"))

    @property
    def because(self) -> Mapping[str, str]:
        """Why weights alone are known of a layer, by its title."""
        said = self.get("because")
        return said if isinstance(said, Mapping) and all(isinstance(one, str) for one in said.values()) else {}

    @property
    def agreement(self) -> Agreement:
        """How exactly the trace holds what the model computed."""
        return read_agreement(self.get("agreement"))

    @property
    def row_sums(self) -> Mapping[str, Any]:
        """What is to be told of rows of weights that do not add up to 1: ``RowSums`` by name; nothing where all do."""
        said = self.get("row_sums")
        kinds = {"off": int, "rows": int, "layer": str, "head": int, "query": int, "sum": float}
        if not isinstance(said, Mapping) or any(type(said.get(name)) is not kind for name, kind in kinds.items()):
            return {}
        return said

    @property
    def text(self) -> TokenIds:
        """The ids of the text."""
        return self._token_ids("")

    @property
    def target(self) -> TokenIds:
        """The ids of what the decoder reads."""
        return self._token_ids("target_")

    def queries_of(self, layer: Layer) -> TokenIds:
        """The ids of the tokens that are the queries of ``layer``."""
        if layer.stack in TOWERS:
            return TokenIds()
        return self.target if self.has_target(layer) else self.text

    def has_target(self, layer: Layer) -> bool:
        """Whether the queries of ``layer`` are of what a decoder reads, and not of the text."""
        return layer.stack in ("decoder", "cross") and bool(self.target.ids)

    def keys_of(self, layer: Layer) -> TokenIds:
        """The ids of the tokens that are the keys of ``layer``."""
        return self.text if layer.kind == "cross" else self.queries_of(layer)

    @property
    def model_name(self) -> str:
        """The model that the trace was taken from, as a person may safely see it, or "" where there was none."""
        both = " + ".join(shown(name) for name in (self.model, self.adapter) if name)
        return shorten(both, NAME_CELLS) if self.model else ""

    def without_projection(self, layers: Iterable[Layer]) -> str:
        """One line that says of which of ``layers`` W_O is not known, and why; "" where it is, or nobody looked for it."""
        titles = {layer.title for layer in layers}.intersection(self.unprojected)
        if not titles:
            return ""
        return Message(
            "W_O is not known of {layers}: the outputs of the heads do not go into one plain linear map",
            layers=layers_words(one for one in self.unprojected if one in titles),
        )

    @property
    def exactness(self) -> str:
        """One line that says of which model the numbers are, and how exactly; "" where either is unknown."""
        return exactness(self.model_name, self.agreement.largest_error)

    def of_any_text(self) -> Origin:
        """The same without what holds for only one text."""
        return Origin({name: value for name, value in self.items() if name not in OF_ONE_TEXT})

    def _token_ids(self, side: str) -> TokenIds:
        return TokenIds(_all_of(int, self.get(f"{side}ids")), frozenset(_all_of(int, self.get(f"{side}special"))))


def read_origin(said: Any) -> Origin:
    """The origin that ``said`` describes; AttnvizError where it is no mapping, or JSON could not hold it."""
    if not isinstance(said, Mapping):
        raise AttnvizError("source is {said!r}: expected names and values", said=said)
    return Origin(_plain(said))


def _ids(side: str, tokens: TokenIds) -> dict[str, Any]:
    return {f"{side}ids": list(tokens.ids), f"{side}special": sorted(tokens.special)}


def _all_of(kind: type[Value], values: Any) -> tuple[Value, ...]:
    """``values`` if all of them are of ``kind``, else nothing."""
    good = isinstance(values, list | tuple) and all(isinstance(value, kind) for value in values)
    return tuple(values) if good else ()


def _plain(value: Any, depth: int = 0) -> Any:
    """``value`` as JSON holds it: texts without lone surrogates, lists, finite whole numbers, not too deep."""
    if isinstance(value, str):
        return valid_text(value)
    if depth > DEPTH:
        raise AttnvizError("source is nested too deeply: expected at most {depth} levels", depth=DEPTH)
    if isinstance(value, Mapping):
        return {valid_text(str(name)): _plain(one, depth + 1) for name, one in value.items()}
    if isinstance(value, list | tuple):
        if (
            {*map(type, value)} == {int} and depth < DEPTH and max(map(abs, value)) < 2**63
        ):  # ids, of which there are many
            return [*value]
        return [_plain(one, depth + 1) for one in value]
    if isinstance(value, float) or value is None or (isinstance(value, int) and abs(value) < 2**63):
        return value
    raise AttnvizError("source holds {value!r}: expected strings, and numbers below 2⁶³", value=str(value)[:40])
