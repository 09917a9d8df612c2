"""The same with seaborn: python seaborn_heatmap.py TEXT_FILE OUTPUT HEADS"""

import sys

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy
import seaborn

text, output, heads = sys.argv[1:4]
tokens = open(text).read().split()
maps = numpy.random.default_rng(0).dirichlet(numpy.ones(len(tokens)), (int(heads), len(tokens)))
figure, axes = plt.subplots(3, 4, figsize=(24, 18))
for number, (axis, values) in enumerate(zip(axes.flat, maps, strict=True)):
    seaborn.heatmap(values, ax=axis, xticklabels=tokens, yticklabels=tokens, vmin=0, vmax=maps.max())
    axis.set_title(f"Head {number}")
figure.savefig(output)
