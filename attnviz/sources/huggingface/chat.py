"""A chat template, filled in by transformers, but in a process of its own with bounds on time, memory and length.

A template is a program that comes with a model, and jinja's sandbox bounds neither: {{ 'x' * 10**10 }} takes 10 GB.
"""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import sys
import threading
import time
import weakref
from pathlib import Path
from typing import Any

from attnviz.errors import AttnvizError
from attnviz.sources.huggingface import chat_child
from attnviz.sources.huggingface.loading.errors import one_line
from attnviz.sources.huggingface.seams import CHAT_RENDERER, has_its_own_chat
from attnviz.text.message import Message

SECONDS = 10  # for one text; templates of well-known models take a few milliseconds
START_SECONDS = 60  # until the process is there, on however busy a machine
MEMORY = 1 << 30  # bytes, beyond what the process starts with
LENGTH = 1 << 20  # characters, and a few times the text; long ones write 50,000 of their own
PATIENCE = 0.1  # seconds between looks at how much memory it takes


def in_chat(tokenizer: Any, text: str, name: str, picture: bool = False) -> str:
    """``text`` as the user's turn, up to where the assistant's begins, as tokenizer.apply_chat_template() has it.

    ``name`` is the model's, for an AttnvizError where the template cannot be filled in. With a ``picture`` before the text, the
    template is that of a processor.
    """
    content = [{"type": "image"}, {"type": "text", "text": text}] if picture else text
    turns, most = [{"role": "user", "content": content}], LENGTH + 4 * len(text)
    try:
        if not tokenizer.chat_template:
            raise AttnvizError("the tokenizer of {name} has no chat template", "leave out --chat", name=name)
        if not picture and has_its_own_chat(tokenizer):
            return str(tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True))
        words = getattr(tokenizer, "tokenizer", tokenizer)
        template = tokenizer.chat_template if picture else tokenizer.get_chat_template()
        variables = words.special_tokens_map
        request = json.dumps({"template": template, "turns": turns, "variables": variables, "most": most})
    except AttnvizError:
        raise
    except (
        Exception
    ) as error:  # there are several templates, and none is the default; or the tokenizer is a person's own
        raise _refusal(name, str(error)) from None
    answer = CHILD.answer(request.encode() + b"\n", most)
    if "bound" in answer:
        raise AttnvizError(
            "the chat template of {name} {answer}",
            "leave out --chat, or mend the template",
            name=name,
            answer=_said(answer["bound"], most),
        )
    if "error" in answer:
        raise _refusal(name, answer["error"])
    return str(answer["text"])


def _said(bound: str, most: int) -> str:
    """What a template did that hit a bound."""
    return {
        "time": Message("takes longer than {seconds} seconds", seconds=SECONDS),
        "memory": Message("takes more than {memory:.3g} GB of memory", memory=MEMORY / (1 << 30)),
        "length": Message("writes more than {most:,} characters", most=most),
        "end": Message("ended the process that fills it in"),
    }[bound]


def _refusal(name: str, why: str) -> AttnvizError:
    return AttnvizError(
        "the chat template of {name} refuses this text: {reason}", "leave out --chat", name=name, reason=one_line(why)
    )


class Child:
    """The process that fills in templates: it starts with the first, and ends with this one or where a bound is hit."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._end: Any = None
        self._one_at_a_time = threading.Lock()

    def answer(self, request: bytes, most: int) -> dict[str, Any]:
        """What the process answers (chat_child.py), ``most`` characters; a bound that it hits is an answer, too."""
        with self._one_at_a_time:
            try:
                answer = self._asked(request, 4 * most)
            except BaseException:  # Ctrl-C, most likely: a late answer must not be taken for the next one's
                self.close()
                raise
            if "bound" in answer:
                self.close()
        return answer

    def _asked(self, request: bytes, most: int) -> dict[str, Any]:
        try:
            process = self._running()
            assert process.stdin is not None
            process.stdin.write(request)
            process.stdin.flush()
            line = self._line(process, SECONDS, LENGTH + most)
        except TimeoutError:
            return {"bound": "time"}
        except MemoryError:
            return {"bound": "memory"}
        except OSError:  # it is gone
            return {"bound": "end"}
        answer: dict[str, Any] = json.loads(line.decode("utf-8", "surrogatepass"))
        return answer

    def _running(self) -> subprocess.Popen[bytes]:
        """The process, started if it is not there."""
        if self._process is None:
            command = [sys.executable, "-P", chat_child.__file__, *CHAT_RENDERER, str(MEMORY), str(SECONDS)]
            path = os.pathsep.join(filter(None, sys.path))  # where this process finds transformers
            environment = os.environ | {"PYTHONPATH": path, "HF_HUB_OFFLINE": "1"}
            pipe, nothing = subprocess.PIPE, subprocess.DEVNULL
            self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=nothing, env=environment)
            self._end = weakref.finalize(self, _ended, self._process)
            self._line(self._process, START_SECONDS, LENGTH)
        return self._process

    @staticmethod
    def _line(process: subprocess.Popen[bytes], seconds: float, most: int) -> bytes:
        """The next line of its output; an OSError where it ends before that."""
        output, line, deadline = process.stdout, bytearray(), time.monotonic() + seconds
        assert output is not None
        with selectors.DefaultSelector() as selector:
            selector.register(output, selectors.EVENT_READ)
            while not line.endswith(b"\n"):
                if time.monotonic() > deadline:
                    raise TimeoutError
                if not selector.select(PATIENCE):
                    if resident_bytes(process.pid) > 2 * MEMORY:
                        raise MemoryError
                    continue
                piece = os.read(output.fileno(), 1 << 20)
                if not piece:
                    raise BrokenPipeError
                line += piece
                if len(line) > most:
                    raise MemoryError
        return bytes(line)

    def close(self) -> None:
        """End the process; the next text starts another."""
        if self._end is not None:
            self._end()
        self._process = self._end = None


CHILD = Child()


def resident_bytes(process: int) -> int:
    """How much memory a process takes, by /proc or, where there is none (macOS), by ps; 0 where neither says it."""
    try:
        return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        pass
    try:
        told = subprocess.run(["ps", "-o", "rss=", "-p", str(process)], capture_output=True, text=True, check=False)
        return int(told.stdout) << 10
    except (OSError, ValueError):
        return 0


def _ended(process: subprocess.Popen[bytes]) -> None:
    """End ``process``, and leave nothing of it."""
    process.kill()
    process.communicate()
