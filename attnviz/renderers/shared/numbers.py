"""How numbers are written: the fewest digits that say all, up to the precision asked for."""

from __future__ import annotations

import math

import numpy

from attnviz.choices import Pool
from attnviz.text.message import Message

HIDDEN = "−∞"
NO_WEIGHT = "·"  # of a hidden cell
ENOUGH = 2  # digits fewer than the precision: as exact must a number be that is computed with by hand
NOISE = 1e-7  # of the largest number of a table: what float32 rounds
FEW = 2  # decimals in place of none, where none would say nothing but 0 or 1


def matrix(values: numpy.ndarray, precision: int) -> list[list[str]]:
    """Every cell of a 2-d array as text, all with the same number of decimals so that they align."""
    form = _format(values, precision)
    return [[number if number != "-inf" else HIDDEN for number in map(form, row)] for row in values.tolist()]


def number(value: float, precision: int) -> str:
    """One number, of Python or of NumPy, as on paper: 1.25, 0.7217, −∞."""
    return matrix(numpy.array([[value]]), precision)[0][0]


def cells(values: numpy.ndarray, precision: int) -> list[list[str]]:
    """A table's cells as ``matrix`` writes them, but a small number is never written like 0.

    Where ``precision`` decimals leave a single digit of the largest, all have exponents; else a small one alone has two
    digits. What is only noise beside the largest counts as 0.
    """
    finite = values[numpy.isfinite(values)].astype(numpy.float64)
    largest = float(numpy.abs(finite).max(initial=0.0))
    noise = NOISE * largest
    tiny = precision > FEW and 0 < largest < 10.0 ** (1 - precision) and not _needs_no_more(finite, precision, noise)
    digits = precision if tiny else FEW
    return [
        [
            f"{value:.{digits - 1}e}" if noise < abs(value) < math.inf and (tiny or not float(word)) else word
            for value, word in zip(*row, strict=True)
        ]
        for row in zip(values.tolist(), matrix(values, precision), strict=True)
    ]


def significant(value: float, precision: int) -> str:
    """A number that is computed with by hand: with an exponent where ``precision`` decimals would leave too few digits of it."""
    text = number(value, precision)
    if (
        value == 0
        or not math.isfinite(value)
        or abs(float(text) - value) <= 0.5 * 10.0 ** (ENOUGH - precision) * abs(value)
    ):
        return text
    return f"{value:.{max(precision - 1, 0)}e}"


def brief(value: float) -> str:
    """A number in a sentence, three digits, with a minus sign: 0.125, −1e+09."""
    return f"{value:.3g}".replace("-", "−", 1) if value < 0 else f"{value:.3g}"


def vector(values: numpy.ndarray, precision: int, most: int = 4) -> str:
    """A vector as on paper: [0.4 0.1 0.8], cut after ``most`` numbers."""
    words = (cells if precision > FEW else matrix)(values[None, :most], precision)[0]
    return "[" + " ".join([*words, "…"] if len(values) > most else words) + "]"


def share(value: float) -> str:
    """A weight in a sentence: two decimals, or two digits where two decimals would say 0.00."""
    return f"{value:.2f}" if value >= 0.01 or value == 0 else f"{value:#.2g}"


def weights(values: numpy.ndarray, hidden: numpy.ndarray, precision: int) -> list[list[str]]:
    """Weights in a table, as ``matrix`` writes them: a hidden one is a dot, and a small one is never written like none."""
    return [
        [NO_WEIGHT if unseen else _weight(value, word, precision) for value, word, unseen in zip(*row, strict=True)]
        for row in zip(values.tolist(), matrix(values, precision), hidden.tolist(), strict=True)
    ]


def shares(values: numpy.ndarray, precision: int) -> list[str]:
    """Weights below each other in a table, in the same way."""
    return [word for [word] in weights(values[:, None], numpy.zeros((len(values), 1), bool), precision)]


def _weight(value: float, word: str, precision: int) -> str:
    """``word``, or two digits where it would say 0.0000; 0 alone is none."""
    if value == 0:
        return "0"
    return f"{value:#.2g}" if value < 10.0**-precision else word


def brief_percent(share: float) -> str:
    """A share in per cent, in signs that every language reads, with a decimal where a whole number would say none or all."""
    value = 100 * share
    if 0 < value < 0.1:
        return "< 0.1 %"
    if 99.9 < value < 100:
        return "> 99.9 %"
    return f"{value:.1f} %" if 0 < value < 1 or 99 < value < 100 else f"{value:.0f} %"


def pooled_cells(shape: tuple[int, int], size: tuple[int, int], pool: Pool) -> str:
    """How many cells a map has, and of how many tokens: "19 × 19 cells of 16 × 16 tokens, mean"."""
    (down, across), (high, wide) = shape, size
    return Message(
        "{down:,} × {across:,} cells of {high:,} × {wide:,} tokens, {pool}",
        down=down,
        across=across,
        high=high,
        wide=wide,
        pool=Message(pool.value),
    )


def factor(value: float, precision: int) -> str:
    """A number inside a product: negative ones stand in brackets."""
    text = number(value, precision)
    return f"({text})" if text.startswith("-") else text


def _format(values: numpy.ndarray, precision: int):  # type: ignore[no-untyped-def]  # float → str
    """Fixed point with as many decimals as the values need; exponents where they would need too many digits."""
    finite = _countable(values[numpy.isfinite(values)])
    largest = float(numpy.abs(finite).max(initial=0.0))
    if not precision and 0 < largest < 1:
        precision = FEW
    if largest >= 1e7 or 0 < largest < 10.0**-precision:
        return f"{{:z.{max(precision - 1, 0)}e}}".format  # z: never -0.0
    # What is noise of the arithmetic, not a digit: far below what is shown, unless the type itself is coarser.
    noise = max(min(1e-9, 10.0 ** -(precision + 3)), 2 * float(numpy.finfo(finite.dtype).eps))
    decimals = next((count for count in range(precision) if _needs_no_more(finite, count, noise)), precision)
    return f"{{:z.{decimals}f}}".format  # z: never -0.0


def _countable(values: numpy.ndarray) -> numpy.ndarray:
    """``values`` in numbers that can be rounded: half precision in single, as all that is computed from it, and as a page
    writes it (its own 1000 times 100 is infinite); whole numbers in double precision."""
    if values.dtype.kind != "f":
        return values.astype(numpy.float64)
    return values.astype(numpy.float32) if values.dtype.itemsize < 4 else values


def _needs_no_more(values: numpy.ndarray, decimals: int, noise: float) -> bool:
    error = numpy.abs(values - numpy.round(values, decimals))
    return bool((error <= noise * numpy.maximum(numpy.abs(values), 1)).all())
