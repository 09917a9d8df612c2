"""How far the heads of two traces, or two heads of one, are apart.

compare.compare(left, right, …) -> result.Difference; alignment.align says which tokens are the same, pairing which heads stand
beside each other, apart.heads_apart how far they are apart.
"""
