"""Who measures a corpus: the words, defaults and limits that the command line and Python share."""

from enum import StrEnum

from attnviz.choices import Limits

AUTO = "auto"  # one worker here, and as many as a cluster has room for
NO_GPUS = 0.0
SHARD_SIZE = 64  # texts: what a worker that ends loses; and so many that batches of like length come together
EFFECTS_SHARD_SIZE = 4  # of each a model runs as often as it has heads
NEEDLES_SHARD_SIZE = 1  # each has as many words as are asked for, and there are few
TEXTS, NEEDLES = "texts", "needles"  # what is counted
SHARD_LIMITS = Limits(1)
WORKERS_LIMITS = Limits(1, 1024)
GPUS_LIMITS = Limits(0)  # accelerators of a worker


class Engine(StrEnum):
    """What runs the workers."""

    LOCAL = "local"
    RAY = "ray"
