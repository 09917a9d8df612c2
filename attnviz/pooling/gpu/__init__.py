"""The pooled map on Nvidia's cards, by Triton kernels."""
