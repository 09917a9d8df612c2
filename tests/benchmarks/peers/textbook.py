"""The textbook's simple self-attention, as a learner types it."""

import torch

inputs = torch.tensor([[0.4, 0.1, 0.8], [0.5, 0.8, 0.6], [0.5, 0.8, 0.6]])
scores = inputs @ inputs.T
print(scores)
weights = torch.softmax(scores / inputs.shape[-1] ** 0.5, dim=-1)
print(weights)
print(weights.sum(dim=-1))
print(weights @ inputs)
