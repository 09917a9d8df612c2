"""A program that fills in chat templates for chat.py, each of which is a stranger's program, within bounds.

It reads requests from its standard input and answers on its standard output, one JSON object a line. It is run as a file, so
it imports nothing of attnviz; and no torch, so that it starts soon.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import IO, Any


def run(arguments: list[str]) -> None:
    """The program: the module and the function that fill a template in, and how much memory and time it may take."""
    module, function, memory, seconds = arguments
    render = getattr(import_module(module), function)
    serve(sys.stdin.buffer, sys.stdout.buffer, render, int(memory), int(seconds))


def serve(requests: IO[bytes], answers: IO[bytes], render: Callable[..., Any], memory: int, seconds: int) -> None:
    """Answer each request, {"template", "turns", "variables", "most"}, with {"text"}, or with {"error"} and a "bound" that was hit."""
    limit_memory(memory)
    answers.write(b"ready\n")
    answers.flush()
    for line in requests:
        limit_time(seconds)
        answer = json.dumps(answered(json.loads(line), render), ensure_ascii=False)
        answers.write(answer.encode("utf-8", "surrogatepass") + b"\n")
        answers.flush()


def answered(request: dict[str, Any], render: Callable[..., Any]) -> dict[str, Any]:
    """What is answered to one request."""
    try:
        texts, _ = render(
            conversations=[request["turns"]],
            chat_template=request["template"],
            add_generation_prompt=True,
            **request["variables"],
        )
    except MemoryError:
        return {"bound": "memory"}
    except Exception as error:  # a template may fail as it likes
        return {"error": str(error)[:1000] or type(error).__name__}
    return {"text": texts[0]} if len(texts[0]) <= request["most"] else {"bound": "length"}


def limit_memory(amount: int) -> None:
    """Let this process have ``amount`` bytes beyond what it has, where the system holds such a limit (Linux does)."""
    try:
        import resource

        pages = int(Path("/proc/self/statm").read_text().split()[0])
        most = pages * resource.getpagesize() + amount
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
    except (ImportError, OSError, ValueError):
        pass  # chat.py watches how much it takes


def limit_time(seconds: int) -> None:
    """Let this process compute for so many seconds more: chat.py ends it sooner, unless it is gone itself."""
    try:
        import resource

        used = resource.getrusage(resource.RUSAGE_SELF)
        _, hard = resource.getrlimit(resource.RLIMIT_CPU)
        resource.setrlimit(resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime) + seconds + 1, hard))
    except (ImportError, OSError, ValueError):
        pass


if __name__ == "__main__":
    run(sys.argv[1:])
