"""A grid of heads with plain matplotlib: one imshow and 2 × T tick labels a head.

python imshow.py TEXT_FILE OUTPUT HEADS [tight | outer]

tight: with the tight_layout() that keeps the labels apart; outer: labels at the left and below alone, as attnviz does
"""

import sys

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy

text, output, heads = sys.argv[1:4]
tokens = open(text).read().split()
maps = numpy.random.default_rng(0).dirichlet(numpy.ones(len(tokens)), (int(heads), len(tokens)))
outer = "outer" in sys.argv
figure, axes = plt.subplots(3, 4, figsize=(24, 18), sharex=outer, sharey=outer)
for number, (axis, values) in enumerate(zip(axes.flat, maps, strict=True)):
    image = axis.imshow(values, vmin=0, vmax=maps.max())
    axis.set_xticks(range(len(tokens)), tokens, rotation=90, fontsize=6)
    axis.set_yticks(range(len(tokens)), tokens, fontsize=6)
    axis.set_title(f"Head {number}")
if "tight" in sys.argv:
    figure.tight_layout()
figure.colorbar(image, ax=axes)
figure.savefig(output)
