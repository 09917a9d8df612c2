"""The public call that asks a model for its heads' roles."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from attnviz.arguments import member, whole_number
from attnviz.choices import CASES_LIMITS, SEED_LIMITS, TINY, Language
from attnviz.trace.roles import Roles


def roles(
    model: Any = TINY,
    *,
    cases: int | None = None,
    seed: int = 0,
    device: str | None = None,
    dtype: str | None = None,
    device_map: str | None = None,
    adapter: str | None = None,
    language: str = "en",
) -> Roles:
    """Which head of ``model`` looks after position, syntax, meaning or copying, and all that speaks for and against it.

    What comes back prints as the table of ``attnviz roles``, in colour on a Rich console.

    model  "tiny", the model in the package; or a folder, a Hugging Face id, or a model of transformers that is loaded already
    cases  questions of each role; None: 1,000 for "tiny", 100 for another model
    seed   other questions
    device, dtype, device_map   of a model that is loaded here
    adapter  the folder of a LoRA adapter that is put into it
    language  "en" or "vi", in which it prints

    AttnvizError where there is no such language, the model cannot be loaded, or its heads cannot be watched.
    """
    from attnviz.analysis.roles import find_roles
    from attnviz.sources.answering import answering, usual_cases
    from attnviz.sources.tiny.questions import questions

    spoken = member(Language, language, "language")
    count = usual_cases(model) if cases is None else whole_number("cases", cases, CASES_LIMITS)
    drawn = questions(count, whole_number("seed", seed, SEED_LIMITS))
    found = find_roles(answering(model, device=device, dtype=dtype, device_map=device_map, adapter=adapter), drawn)
    return replace(found, language=spoken)
