"""Every option, defined once. A command takes the groups that it needs (see parameters.py)."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from attnviz.choices import Backend, Dtype, Language, MapStep, Metric, Pool, Position, Step, Tokenizer
from attnviz.cli.parameters import Options

FROM_TEXT, TOY, RULE, SHOW, OUTPUT = "Where the text comes from", "Toy attention", "The rule", "What is shown", "Output"
MODEL = "A real model"


class TableFormat(StrEnum):
    """What explain writes."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    MARKDOWN = "markdown"
    SAFETENSORS = "safetensors"


class PictureFormat(StrEnum):
    """What heatmap writes."""

    PNG = "png"
    SVG = "svg"
    PDF = "pdf"
    TERM = "term"
    SAFETENSORS = "safetensors"


class StatsFormat(StrEnum):
    """What stats writes: a table of all metrics, or a map of one."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    PNG = "png"
    SVG = "svg"
    PDF = "pdf"


SUFFIXES: dict[str, TableFormat | PictureFormat] = {
    ".txt": TableFormat.TABLE,
    ".json": TableFormat.JSON,
    ".jsonl": TableFormat.JSON,
    ".csv": TableFormat.CSV,
    ".md": TableFormat.MARKDOWN,
    ".png": PictureFormat.PNG,
    ".svg": PictureFormat.SVG,
    ".pdf": PictureFormat.PDF,
    ".safetensors": PictureFormat.SAFETENSORS,
}


class TextOptions(Options):
    """A text."""

    text: Annotated[
        str | None,
        typer.Argument(
            help="The text. Without one: --file, --from, a pipe, or else a sample sentence.", show_default=False
        ),
    ] = None
    file: Annotated[
        Path | None,
        typer.Option(
            "--file",
            "-f",
            help="Read the text from a file; - is standard input.",
            metavar="PATH",
            rich_help_panel=FROM_TEXT,
        ),
    ] = None


class SourceOptions(TextOptions):
    """A text, or a file of arrays in its place."""

    from_: Annotated[
        Path | None,
        typer.Option(
            "--from",
            help="Arrays query, key, value (.npz, .safetensors, .json) or a saved trace, in place of a text.",
            metavar="PATH",
            rich_help_panel=FROM_TEXT,
        ),
    ] = None


class LinesOptions(Options):
    """Many texts in one run."""

    lines: Annotated[
        bool, typer.Option("--lines", help="Take every line as a text of its own.", rich_help_panel=FROM_TEXT)
    ] = False


class ToyOptions(Options):
    """How a text becomes Q, K and V. None means that the option was not given."""

    heads: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Attention heads (default 1); several bring projections along.",
            min=1,
            rich_help_panel=TOY,
        ),
    ] = None
    dim: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Numbers in an embedding (default 3, or 4 for each of several heads).",
            min=1,
            rich_help_panel=TOY,
        ),
    ] = None
    tokenizer: Annotated[
        Tokenizer | None,
        typer.Option(
            metavar="NAME",
            help="How the text is cut: word (the default), char, byte or whitespace.",
            rich_help_panel=TOY,
        ),
    ] = None
    seed: Annotated[
        int | None,
        typer.Option(metavar="N", help="Of the drawn vectors and matrices (default 0).", rich_help_panel=TOY),
    ] = None
    position: Annotated[
        Position | None,
        typer.Option(
            metavar="NAME",
            help="Position encoding: none (the default), sinusoidal, rope or alibi.",
            rich_help_panel=TOY,
        ),
    ] = None
    project: Annotated[
        bool | None,
        typer.Option("--project", help="Draw W_Q, W_K, W_V and W_O for one head, too.", rich_help_panel=TOY),
    ] = None
    embeddings: Annotated[
        Path | None,
        typer.Option(
            help="Your own vectors: .json {word: vector}, .csv word,1,2,… or .npy (tokens, d).",
            metavar="PATH",
            rich_help_panel=TOY,
        ),
    ] = None
    weights: Annotated[
        Path | None,
        typer.Option(
            help="Your own W_Q, W_K, W_V and W_O: .npz, .safetensors or .json.", metavar="PATH", rich_help_panel=TOY
        ),
    ] = None


class ModelOptions(Options):
    """A real model in place of the toy."""

    model: Annotated[
        str | None,
        typer.Option(
            metavar="DIR_OR_ID", help="A model's folder, or its id on the Hugging Face hub.", rich_help_panel=MODEL
        ),
    ] = None
    device_map: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="auto: spread its weights over all devices there are.", rich_help_panel=MODEL
        ),
    ] = None
    target: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT", help="What its decoder reads, if it has one (default: the text).", rich_help_panel=MODEL
        ),
    ] = None
    chat: Annotated[
        bool, typer.Option("--chat", help="Put the text into its chat template.", rich_help_panel=MODEL)
    ] = False


class SpecialOptions(Options):
    """Tokens that stand for no text."""

    skip_special: Annotated[
        bool,
        typer.Option("--skip-special", help="Hide special tokens, and say what they took.", rich_help_panel=SHOW),
    ] = False


class RuleOptions(Options):
    """What turns scores into weights. None means: as the source says."""

    causal: Annotated[
        bool | None,
        typer.Option(
            "--causal/--no-causal", help="Hide the keys after each query.", show_default=False, rich_help_panel=RULE
        ),
    ] = None
    scale: Annotated[
        float | None, typer.Option(metavar="X", help="Factor of the scores (default 1/√d_k).", rich_help_panel=RULE)
    ] = None
    no_scale: Annotated[bool, typer.Option("--no-scale", help="The same as --scale 1.", rich_help_panel=RULE)] = False
    window: Annotated[
        int | None,
        typer.Option(metavar="N", help="See only keys at a distance below this.", min=1, rich_help_panel=RULE),
    ] = None
    softcap: Annotated[
        float | None,
        typer.Option(metavar="X", help="Cap the scaled scores: softcap · tanh(x / softcap).", rich_help_panel=RULE),
    ] = None
    query_offset: Annotated[
        int | None, typer.Option(metavar="N", help="Position of the first query among the keys.", rich_help_panel=RULE)
    ] = None


class EngineOptions(Options):
    """Who computes, and with which numbers."""

    backend: Annotated[
        Backend | None,
        typer.Option(metavar="NAME", help="Who computes: numpy (the default) or torch.", rich_help_panel=OUTPUT),
    ] = None
    device: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="auto, cpu, cuda, mps, …: brings --backend torch along.", rich_help_panel=OUTPUT
        ),
    ] = None
    dtype: Annotated[
        Dtype | None,
        typer.Option(
            metavar="NAME",
            help="Of the numbers: float16, bfloat16, float32 or float64 (default: as they come).",
            rich_help_panel=OUTPUT,
        ),
    ] = None


class PartOptions(Options):
    """Which layers and heads."""

    layer: Annotated[
        list[str], typer.Option(help="Layers: numbers and ranges (0,4-7) or all.", metavar="N…", rich_help_panel=SHOW)
    ] = ()  # type: ignore[assignment]
    head: Annotated[
        list[str], typer.Option(help="Heads: numbers and ranges (0,4-7) or all.", metavar="N…", rich_help_panel=SHOW)
    ] = ()  # type: ignore[assignment]


class RegionOptions(Options):
    """Which positions."""

    query: Annotated[
        str | None,
        typer.Option(
            metavar="A:B", help="Only the queries at the positions A … B − 1, or @N alone.", rich_help_panel=SHOW
        ),
    ] = None
    key: Annotated[
        str | None, typer.Option(metavar="A:B", help="Only the keys at these positions.", rich_help_panel=SHOW)
    ] = None


class CaptureOptions(Options):
    """What capture keeps, and where."""

    layer: Annotated[
        list[str],
        typer.Option(help="Keep only these layers: 0,4-7 or all.", metavar="N…", rich_help_panel=OUTPUT),
    ] = ()  # type: ignore[assignment]
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="The file: NAME.safetensors.", metavar="PATH", rich_help_panel=OUTPUT),
    ] = None


class TableOptions(Options):
    """What explain shows of them, and how."""

    step: Annotated[
        list[Step], typer.Option(metavar="NAME", help="Only these steps, such as scores,weights.", rich_help_panel=SHOW)
    ] = ()  # type: ignore[assignment]
    query: Annotated[
        str | None,
        typer.Option(
            help="Only this query: a token or its position (3, or @3 where 3 is a token too).",
            metavar="TOKEN",
            rich_help_panel=SHOW,
        ),
    ] = None
    key: Annotated[
        str | None,
        typer.Option(
            help="Only this key, of a long text the queries that look at it most; with --query, their arithmetic.",
            metavar="TOKEN",
            rich_help_panel=SHOW,
        ),
    ] = None
    precision: Annotated[
        int, typer.Option(metavar="N", help="Decimals at the most.", min=0, max=17, rich_help_panel=SHOW)
    ] = 4
    max_tokens: Annotated[
        int,
        typer.Option(
            metavar="N", help="Rows and columns at the most; the middle is left out.", min=2, rich_help_panel=SHOW
        ),
    ] = 16
    top: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="The N keys that a query looks at most, or queries that look at --key most; a long text is shown so (10).",
            min=1,
            rich_help_panel=SHOW,
        ),
    ] = None
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Only the numbers, no sentences.", rich_help_panel=SHOW)
    ] = False
    lang: Annotated[
        Language,
        typer.Option(
            metavar="NAME", help="Language of the sentences: en or vi.", envvar="ATTNVIZ_LANG", rich_help_panel=SHOW
        ),
    ] = Language.EN
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="Write to a file; its suffix picks the format.",
            metavar="PATH",
            rich_help_panel=OUTPUT,
        ),
    ] = None
    format: Annotated[
        TableFormat | None,
        typer.Option(
            metavar="NAME",
            help="table (the default), json, csv, markdown or safetensors; overrides the suffix.",
            rich_help_panel=OUTPUT,
        ),
    ] = None


class PictureOptions(Options):
    """What heatmap draws, and how."""

    step: Annotated[
        MapStep,
        typer.Option(
            metavar="NAME", help="Which step is drawn: scores, scaled, masked or weights.", rich_help_panel=SHOW
        ),
    ] = MapStep.WEIGHTS
    pool: Annotated[
        Pool,
        typer.Option(
            metavar="NAME",
            help="A cell of many tokens shows their mean, or their max, which keeps a needle visible.",
            rich_help_panel=SHOW,
        ),
    ] = Pool.MEAN
    title: Annotated[
        str | None,
        typer.Option(metavar="TEXT", help="Title in place of the one that says what it is.", rich_help_panel=SHOW),
    ] = None
    cmap: Annotated[str | None, typer.Option(metavar="NAME", help="A matplotlib colour map.", rich_help_panel=SHOW)] = (
        None
    )
    annotate: Annotated[
        bool | None,
        typer.Option(
            "--annotate/--no-annotate",
            help="Write the values into the cells (default: while they fit).",
            show_default=False,
            rich_help_panel=SHOW,
        ),
    ] = None
    dpi: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Pixels an inch of a PNG (default 150, 100 for large figures).",
            min=20,
            max=1200,
            rich_help_panel=OUTPUT,
        ),
    ] = None
    show: Annotated[bool, typer.Option("--show", help="Draw it in the terminal.", rich_help_panel=OUTPUT)] = False
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="Write to a file (default attention.png); its suffix picks the format, - is standard output.",
            metavar="PATH",
            rich_help_panel=OUTPUT,
        ),
    ] = None
    format: Annotated[
        PictureFormat | None,
        typer.Option(
            metavar="NAME",
            help="png (the default), svg, pdf, term or safetensors; overrides the suffix.",
            rich_help_panel=OUTPUT,
        ),
    ] = None


class PageOptions(Options):
    """What html writes, and how."""

    lang: Annotated[
        Language,
        typer.Option(
            metavar="NAME", help="Language of the page: en or vi.", envvar="ATTNVIZ_LANG", rich_help_panel=SHOW
        ),
    ] = Language.EN
    pool: Annotated[
        Pool,
        typer.Option(
            metavar="NAME",
            help="Of a long text, a cell of many tokens shows their mean, or their max.",
            rich_help_panel=SHOW,
        ),
    ] = Pool.MEAN
    max_size: Annotated[
        float,
        typer.Option(metavar="MB", help="Write no page that is larger.", min=0.1, rich_help_panel=OUTPUT),
    ] = 50.0
    open: Annotated[bool, typer.Option("--open", help="Open it in the browser.", rich_help_panel=OUTPUT)] = False
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="Write to a file (default attention.html); - is standard output.",
            metavar="PATH",
            rich_help_panel=OUTPUT,
        ),
    ] = None


class StatsOptions(Options):
    """What stats shows, and how."""

    sort: Annotated[
        Metric | None,
        typer.Option(metavar="NAME", help="Sort by a metric, the largest first.", rich_help_panel=SHOW),
    ] = None
    metric: Annotated[
        Metric | None,
        typer.Option(metavar="NAME", help="Draw this metric as a map of layers × heads.", rich_help_panel=SHOW),
    ] = None
    near: Annotated[
        int, typer.Option(metavar="N", help="Keys at a distance below this are near.", min=1, rich_help_panel=SHOW)
    ] = 8
    pool: Annotated[
        Pool,
        typer.Option(
            metavar="NAME",
            help="A head's value is the mean over its queries, or the max, to which one query is enough.",
            rich_help_panel=SHOW,
        ),
    ] = Pool.MEAN
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="Write to a file; its suffix picks the format.",
            metavar="PATH",
            rich_help_panel=OUTPUT,
        ),
    ] = None
    format: Annotated[
        StatsFormat | None,
        typer.Option(metavar="NAME", help="table, json or csv; with --metric png, svg or pdf.", rich_help_panel=OUTPUT),
    ] = None
