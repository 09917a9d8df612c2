"""Compile what the pooled map would launch on a card, without the card: compile_kernels.py ARCHITECTURE BYTES CASE…

Prints for each case how many bytes of shared memory the kernels of each launch take, up to the first that fits the card's.
"""

from __future__ import annotations

import contextlib
import json
import sys
import types
from collections.abc import Callable
from typing import Any

import torch
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from attnviz import Rule
from attnviz.pooling.gpu import engine, largest_key_kernel, pool_kernel
from attnviz.pooling.gpu.launches import launches_for
from attnviz.pooling.tiles import cell_size

# A name, the tokens, the dimension, the type of the numbers, and the rule.
CASES = {
    "the reach": (131_072, 128, torch.bfloat16, Rule(causal=True)),
    "all rules": (5000, 80, torch.float16, Rule(causal=True, window=99, softcap=3.0, sinks=torch.zeros(1))),
    "few tokens": (1500, 64, torch.bfloat16, Rule()),
    "single precision": (16_384, 128, torch.float32, Rule(causal=True)),
    "wide": (9000, 256, torch.bfloat16, Rule()),
    "wide, single precision": (131_072, 256, torch.float32, Rule()),
}
TYPES = {torch.bfloat16: "bf16", torch.float16: "fp16", torch.float32: "fp32", torch.int32: "i32", torch.int64: "i64"}


def main(architecture: int, limit: int, names: list[str]) -> None:
    calls: list[tuple[Any, dict[str, Any]]] = []
    stand_in(pool_kernel, "pool_rows", calls.append)
    stand_in(largest_key_kernel, "find_keys", calls.append)
    torch.cuda.device = lambda _: contextlib.nullcontext()
    torch.cuda.get_device_properties = lambda _: types.SimpleNamespace(multi_processor_count=132)
    for name in names:
        tokens, dimension, dtype, rule = CASES[name]
        query = torch.empty(1, tokens, dimension, dtype=dtype, device="meta")  # its numbers are never looked at
        cell, launches = cell_size(tokens, 1024), []
        for launch in launches_for(query, cell):
            calls.clear()
            engine.run(query, query, rule, (0,), cell, cell, launch)
            shared = [compiled(*call, architecture).metadata.shared for call in calls]
            launches.append(max(shared))
            if max(shared) <= limit:
                break
        print(json.dumps({"case": name, "shared": launches}), flush=True)


def stand_in(module: Any, name: str, heard: Callable[[Any], None]) -> None:
    """In place of a kernel, what hears how it would be launched."""
    kernel = getattr(module, name)

    class Heard:
        def __getitem__(self, grid: Any) -> Callable[..., None]:
            return lambda **arguments: heard((kernel, arguments))

    setattr(module, name, Heard())


def compiled(kernel: Any, arguments: dict[str, Any], architecture: int) -> Any:
    """As Triton compiles it for these arguments: multiples of 16, pointers among them, are known to be such."""
    types_of, aligned, constants = {}, {}, {}
    for place, name in enumerate(kernel.arg_names):
        value = arguments[name]
        if name.isupper():  # a compile-time constant
            constants[name] = value
            continue
        if isinstance(value, torch.Tensor):
            types_of[name] = f"*{TYPES[value.dtype]}"
        else:
            types_of[name] = "fp32" if isinstance(value, float) else "i32"
        if isinstance(value, torch.Tensor) or (isinstance(value, int) and value % 16 == 0):
            aligned[(place,)] = [["tt.divisibility", 16]]
    source = ASTSource(kernel, types_of | dict.fromkeys(constants, "constexpr"), constants, aligned)
    rest = {name: value for name, value in arguments.items() if name not in kernel.arg_names}
    return triton.compile(source, target=GPUTarget("cuda", architecture, 32), options=rest)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
