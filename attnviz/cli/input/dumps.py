"""From options to a dump: what it holds, and what was meant by it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attnviz.cli.input.text import STDIN, read_arrays
from attnviz.cli.input.traces import given_rule, said_of
from attnviz.cli.options.diagnose import MeantOptions
from attnviz.cli.options.rule import RuleOptions
from attnviz.cli.output.streams import notice
from attnviz.errors import UsageError
from attnviz.text.display import listed_tokens
from attnviz.text.message import Message

if TYPE_CHECKING:
    from attnviz.sources.files.dump import Dump

ROPE = ("rope_theta", "rope_dims", "rope_interleaved")


def read_dump(path: Path | None) -> Dump:
    """The dump at ``path``, or on standard input; what else it holds is said."""
    from attnviz.sources.files.dump import read_dump as read

    if path is None:
        raise UsageError("no file is named", "save query, key, value and output with numpy.savez, and name that file")
    content = read_arrays(path)
    name: Path | Message = STDIN if str(path) == "-" else path
    with said_of(name):
        dump = read(Path(name), content)
    if dump.unread:
        notice(
            Message(
                "{path} also holds {unread}, which attnviz does not read",
                path=name,
                unread=listed_tokens(dump.unread, 60),
            )
        )
    return dump


def meant(dump: Dump, options: MeantOptions) -> Mapping[str, Any]:
    """What was meant, as ``attnviz.diagnose`` takes it: the options replace what the file says."""
    rule = RuleOptions(**{name: getattr(options, name) for name in RuleOptions.__annotations__})
    chosen = given_rule(rule) | {name: value for name in ROPE if (value := getattr(options, name)) is not None}
    dtype = {} if options.dtype is None else {"dtype": options.dtype.value}
    return {**dump.meant, **chosen, **dtype}
