"""The program of a worker process: it loads the model once, and measures the shards that it is given.

It reads pickles from its standard input, what is to be done and then shards, and answers on its standard output. Both ends are processes of one
run: nothing of a stranger's is unpickled. It ends when its standard input does, whatever it is doing: then nobody waits for it.
"""

from __future__ import annotations

import os
import pickle
import queue
import signal
import struct
import sys
import threading
from typing import IO, Any

from attnviz.attention.memory import lacks_memory
from attnviz.corpora.engines.stillness import Stillness

LENGTH = struct.Struct(">Q")  # of the pickle that follows


def run() -> None:
    """The program."""
    signal.signal(
        signal.SIGINT, signal.SIG_IGN
    )  # Ctrl-C reaches all processes of a terminal: the one that waits decides
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)  # what a library prints is no answer
    given: queue.Queue[Any] = queue.Queue()
    threading.Thread(target=_listen, args=(requests, given), daemon=True).start()
    serve(given, answers)


def serve(given: queue.Queue[Any], answers: IO[bytes]) -> None:
    """Load the model of the work that comes first, and answer each shard after it, until an error or None comes."""
    try:
        work, threads = given.get()
        from attnviz.attention.threads import limit_processors

        limit_processors(threads)
        stillness = Stillness()
        with stillness.watched():
            worker = work.worker()
        write(answers, ("ready", None))
        while (shard := given.get()) is not None:
            with stillness.watched():
                content = worker(shard.texts).to_bytes()
            write(answers, ("done", content))
    except Exception as error:
        if lacks_memory(error):  # another worker may have more of it: this one ends like one that the system kills
            raise
        write(answers, ("failed", sendable(error)))


def sendable(error: Exception) -> Exception:
    """``error``, or what it says where it cannot be pickled and read again, as is so of many libraries' own errors."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error


def write(stream: IO[bytes], what: Any) -> None:
    """``what`` as a pickle, its length before it."""
    content = pickle.dumps(what)
    stream.write(LENGTH.pack(len(content)) + content)
    stream.flush()


def read(stream: IO[bytes]) -> Any:
    """What was written; EOFError where there is no more of it."""
    head = stream.read(LENGTH.size)
    if len(head) < LENGTH.size:
        raise EOFError
    (length,) = LENGTH.unpack(head)
    content = stream.read(length)
    if len(content) < length:
        raise EOFError
    return pickle.loads(content)


def _listen(requests: IO[bytes], given: queue.Queue[Any]) -> None:
    try:
        while True:
            given.put(read(requests))
    except (EOFError, OSError):
        sys.stderr.flush()
        os._exit(0)


if __name__ == "__main__":
    run()
