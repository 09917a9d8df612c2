"""The words that options and the Python API choose from. Light: --help reads them, without NumPy."""

from __future__ import annotations

import os
from enum import StrEnum
from typing import NamedTuple


class Step(StrEnum):
    """Every array that can be shown of a layer, in the order in which a person computes them."""

    EMBEDDINGS = "embeddings"
    POSITIONS = "positions"
    INPUTS = "inputs"
    PROJECTIONS = "projections"
    QUERY = "query"
    KEY = "key"
    VALUE = "value"
    SCORES = "scores"
    SCALED = "scaled"
    MASKED = "masked"
    WEIGHTS = "weights"
    OUTPUT = "output"
    CONTRIBUTION = "contribution"
    CONCAT = "concat"
    PROJECTED = "projected"
    SUMMED = "summed"


CONTRIBUTIONS: tuple[str, ...] = (Step.CONTRIBUTION, Step.SUMMED)  # of each head; and of all heads of a layer, added up
USUAL_STEPS = tuple(step for step in Step if step not in CONTRIBUTIONS)  # that are shown where none is named


class MapStep(StrEnum):
    """The steps that are a map of queries × keys, and so can be drawn as one."""

    SCORES = "scores"
    SCALED = "scaled"
    MASKED = "masked"
    WEIGHTS = "weights"
    CONTRIBUTION = "contribution"
    SUMMED = "summed"


class MeasuredStep(StrEnum):
    """What stats measures of a head, or of all heads of a layer together."""

    WEIGHTS = MapStep.WEIGHTS.value
    CONTRIBUTION = MapStep.CONTRIBUTION.value
    SUMMED = MapStep.SUMMED.value


class DrawnStep(StrEnum):
    """What heatmap draws of a head: one of the maps, or all steps side by side."""

    SCORES = MapStep.SCORES.value
    SCALED = MapStep.SCALED.value
    MASKED = MapStep.MASKED.value
    WEIGHTS = MapStep.WEIGHTS.value
    CONTRIBUTION = MapStep.CONTRIBUTION.value
    SUMMED = MapStep.SUMMED.value
    ALL = "all"


class Comparison(StrEnum):
    """What the weights can be compared with and without."""

    CAUSAL = "causal"
    SCALE = "scale"
    POSITION = "position"


class Across(StrEnum):
    """How attention is followed through several layers."""

    ROLLOUT = "rollout"
    FLOW = "flow"


class HeadsAs(StrEnum):
    """How the heads of a layer become one, where attention is followed through layers."""

    MEAN = "mean"
    MAX = "max"
    CONTRIBUTION = "contribution"


class Interpolation(StrEnum):
    """How the weights of patches become the colours of pixels: evenly from one middle to the next, or one a patch."""

    BILINEAR = "bilinear"
    NEAREST = "nearest"


class Pool(StrEnum):
    """What stands for many: in a cell of a map for its pairs of query and key, in stats for the queries of a head."""

    MEAN = "mean"
    MAX = "max"


class Ablation(StrEnum):
    """What a head's output is replaced with when the head is taken away."""

    MEAN = "mean"
    ZERO = "zero"


class Effect(StrEnum):
    """What changes of a model's predictions when a head is taken away."""

    LOSS = "loss"
    PROBABILITY = "probability"
    KL = "kl"


class Position(StrEnum):
    """How the toy tells the order of its tokens."""

    NONE = "none"
    SINUSOIDAL = "sinusoidal"
    ROPE = "rope"
    ALIBI = "alibi"


class Backend(StrEnum):
    """The library that computes."""

    NUMPY = "numpy"
    TORCH = "torch"


class Dtype(StrEnum):
    """The type of the numbers that are computed with."""

    FLOAT16 = "float16"
    BFLOAT16 = "bfloat16"
    FLOAT32 = "float32"
    FLOAT64 = "float64"


class Rounding(StrEnum):
    """The arithmetic by whose rounding an output is judged."""

    FLOAT64 = "float64"
    FLOAT32 = "float32"
    TF32 = "tf32"
    FLOAT16 = "float16"
    BFLOAT16 = "bfloat16"


class Verify(StrEnum):
    """Which queries of a model's layer are recomputed, and compared with its own output."""

    SAMPLE = "sample"
    ALL = "all"


class Language(StrEnum):
    """A language of the explanations."""

    EN = "en"
    VI = "vi"


class Tokenizer(StrEnum):
    """How the toy source cuts a text into tokens."""

    WORD = "word"
    CHAR = "char"
    BYTE = "byte"
    WHITESPACE = "whitespace"


EFFECT = "effect"  # what stats measures by taking heads away, beside the metrics of their weights

# Defaults that the option of a command shares with the function that does the work.
FIELD = "text"  # of a row of a corpus, where no other is named
NEAR = 8  # keys at a distance below this count as near
PRECISION = 4  # at most this many decimals
MAX_TOKENS = 16  # at most this many rows and columns of a table
TOP = 10  # rows of a table of the largest weights
PAGE_MEGABYTES = 50.0  # a page that every browser opens easily
OUTPUT = "@output"  # in place of a token: contributions along the layer's own output
TINY = "tiny"  # as a model: the one in the package; a folder of that name is ./tiny
TINY_SUFFIX = ".safetensors"  # of the weights of another such model, which its training wrote


def is_tiny(model: object) -> bool:
    """Whether ``model`` names the model in the package, or a file of weights that its training wrote."""
    return model == TINY or (isinstance(model, str | os.PathLike) and str(model).lower().endswith(TINY_SUFFIX))


ARRAY_FILES = (".safetensors", ".npz", ".npy", ".json")  # a word that ends so is the name of a file, and no text


def names_a_file(word: object) -> bool:
    """Whether ``word`` names a file of arrays or a saved trace, where a text could stand as well."""
    return isinstance(word, os.PathLike) or (isinstance(word, str) and word.lower().endswith(ARRAY_FILES))


TOKENS = 12  # that a model writes
NEEDLES, NEEDLE_WORDS = 8, 100  # sentences that a model is asked to copy, and words around each
ALTERNATIVES = 5  # predictions that are kept of each position
TINY_CASES, MODEL_CASES = 1000, 100  # questions of each role: a person waits for those of a large model
DPI, LARGE_DPI = 150, 100  # pixels per inch of a PNG, and of a large one
RESIDUAL = 0.5  # of a token that goes past the heads of a layer (Abnar & Zuidema 2020)
OPACITY = 0.65  # of weights on a picture
SECONDS = 0.8  # that a frame of a moving picture is shown
DIMENSION, HEAD_DIMENSION = 3, 4  # numbers in a toy embedding of one head, and for each of several


def listed_words(text: str) -> list[str]:
    """The words of choices that are given together: "scores,weights"."""
    return text.split(",")


class Limits(NamedTuple):
    """The least and the most that a number may be; None: there is no most."""

    min: float
    max: float | None = None


# Limits of an option's number, and of the same argument in Python.
PRECISION_LIMITS = Limits(0, 17)
MAX_TOKENS_LIMITS = Limits(2)
TOP_LIMITS = Limits(1)
QUANTILE_LIMITS = Limits(0, 1)
TOP_TEXTS = 0  # that are kept where nobody asks for them
TOP_TEXTS_LIMITS = Limits(0, 100)  # of each metric of each head, which a model has thousands of
NEAR_LIMITS = Limits(1)
BATCH_LIMITS = Limits(1)  # texts that a model reads at once
MAX_LENGTH_LIMITS = Limits(1)  # tokens of a text
NEEDLES_LIMITS = Limits(1, 12)  # as many as the package has
NEEDLE_WORDS_LIMITS = Limits(10, 1_000_000)
THRESHOLD_LIMITS = Limits(0.01, 1)  # of the name of a head
PAGE_MEGABYTES_LIMITS = Limits(0.1)
DPI_LIMITS = Limits(20, 1200)
WIDTH_LIMITS = Limits(20, 1000)  # millimetres of a picture
OPACITY_LIMITS = RESIDUAL_LIMITS = Limits(0, 1)
CONTOUR_LIMITS = Limits(0.001, 0.999)  # a share of the weight on a picture
CONTOURS = 2  # lines on a picture that can be told apart
SECONDS_LIMITS = Limits(0.1, 10)
COLOUR_LIMITS = Limits(-1e30, 1e30)  # the ends of a scale of colours
HEADS_LIMITS = DIMENSION_LIMITS = Limits(1)
TOKENS_LIMITS = ALTERNATIVES_LIMITS = TOP_K_LIMITS = Limits(1)
TEMPERATURE_LIMITS = Limits(0.01, 100)  # beyond, the likeliest token or any token is drawn
TOP_P_LIMITS = Limits(0.001, 1)
CASES_LIMITS = Limits(1, 10_000)  # these many take 2 GB, and their intervals are narrow
SEED_LIMITS = Limits(0, 2**63 - 1)  # as torch takes it
CHAPTER_LIMITS = Limits(1, 9)  # of the course
