"""In place of transformers' renderer: the template says what happens, and the process that runs it starts at once."""

from __future__ import annotations

import os
import time
from typing import Any


def render(
    conversations: list[Any], chat_template: str, add_generation_prompt: bool, **_: Any
) -> tuple[list[str], None]:
    """What a template does that is no good, and else what it says."""
    match chat_template:
        case "wait":
            time.sleep(60)
        case "memory":
            return ["x" * 10**10], None
        case "end":
            os._exit(3)
    return [f"{chat_template}: {conversations[0][0]['content']}{' …' if add_generation_prompt else ''}"], None
