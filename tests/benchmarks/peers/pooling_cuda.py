"""The pooled map on a GPU beside attention's own forwards on the same tensors, bfloat16, d = 128: milliseconds a head."""

import json
import logging
import statistics

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.functional import scaled_dot_product_attention

from attnviz import Rule
from attnviz.pooling.pool import pool_arrays


class KernelsAlone(logging.Handler):
    """Ends it all where attnviz says that torch pools: those are not the times that are asked for."""

    def emit(self, record):
        raise SystemExit(record.getMessage())


def main():
    logging.getLogger("attnviz").setLevel(logging.INFO)
    logging.getLogger("attnviz").addHandler(KernelsAlone())
    for tokens in (8192, 32_768, 131_072):
        for heads in (1, 8):
            for causal in (True, False):
                query, key, value = torch.randn(3, heads, tokens, 128, device="cuda", dtype=torch.bfloat16)
                row = {"pool": milliseconds(lambda q=query, k=key, c=causal: pool_arrays(q, k, Rule(causal=c)))}
                for name, backend in (("flash", SDPBackend.FLASH_ATTENTION), ("cudnn", SDPBackend.CUDNN_ATTENTION)):
                    with sdpa_kernel(backend):
                        row[name] = milliseconds(
                            lambda q=query[None], k=key[None], v=value[None], c=causal: scaled_dot_product_attention(
                                q, k, v, is_causal=c
                            )
                        )
                work = {"card": torch.cuda.get_device_name(), "tokens": tokens, "heads": heads, "causal": causal}
                print(json.dumps(work | {name: time / heads for name, time in row.items()}), flush=True)


def milliseconds(work, runs=7):
    work()
    times = []
    for _ in range(runs):
        start, stop = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        work()
        stop.record()
        torch.cuda.synchronize()
        times.append(start.elapsed_time(stop))
    return statistics.median(times)


if __name__ == "__main__":
    main()
