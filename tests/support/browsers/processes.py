"""Waiting for a program that was started."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from typing import Any

from browsers.window import PATIENCE


def until(ready: Callable[[], Any], process: subprocess.Popen[Any]) -> Any:
    """What ``ready`` gives as soon as it gives something; RuntimeError where the process ends before."""
    end = time.monotonic() + 3 * PATIENCE
    while not (found := ready()):
        if process.poll() is not None or time.monotonic() > end:
            raise RuntimeError(f"{process.args[0]} did not start (exit code {process.returncode})")
        time.sleep(0.02)
    return found
