"""Names the mistake in an implementation of attention: what was meant, beside what came out.

diagnose.diagnose(query, key, value, output, *, weights, scale, causal, query_offset, window, softcap, mask, bias, sinks,
rope_theta, rope_dims, rope_interleaved, positions, dtype) -> result.Diagnosis, arrays of NumPy in; registry.names() are all
names of mistakes, from the files of families beside it.
"""
