"""Which of torch's functions do what to numbers, as far as attention is concerned."""

MOVES = {
    "view", "reshape", "permute", "transpose", "swapaxes", "swapdims", "movedim", "moveaxis", "squeeze", "unsqueeze",
    "flatten", "unflatten", "expand", "expand_as", "narrow", "select", "__getitem__", "chunk", "split", "unbind",
    "tensor_split", "flip", "roll", "index_select", "view_as", "reshape_as", "t", "T", "mT", "H", "mH", "adjoint",
    "repeat", "tile", "repeat_interleave", "gather", "broadcast_to", "split_with_sizes", "transpose_", "squeeze_",
    "unsqueeze_", "t_", "take_along_dim", "diagonal", "rot90", "unfold", "ravel",
}  # fmt: skip
SAME = {
    "contiguous", "clone", "detach", "detach_", "float", "half", "double", "bfloat16", "to", "type", "type_as", "cpu", "cuda",
    "requires_grad_", "data", "positive", "__pos__", "real", "conj", "resolve_conj", "alias", "retain_grad",
}  # fmt: skip
DROPOUT = {"dropout", "dropout_", "feature_dropout", "alpha_dropout"}
CLAMPS = {
    "clamp",
    "clamp_",
    "clip",
    "clip_",
    "clamp_min",
    "clamp_max",
    "clamp_min_",
    "clamp_max_",
    "max",
    "maximum",
    "nan_to_num",
    "nan_to_num_",
}
SOFTMAX = {"softmax", "_softmax", "_safe_softmax"}
TIMES = {"mul", "__mul__", "__rmul__", "mul_", "multiply", "__imul__", "multiply_"}
OVER = {"div", "true_divide", "__truediv__", "div_", "__itruediv__", "divide", "true_divide_"}
PLUS = {"add", "__add__", "__radd__", "add_", "__iadd__"}
MINUS = {"sub", "__sub__", "sub_", "__isub__", "subtract", "__rsub__", "rsub"}
NEGATED = {"neg", "__neg__", "negative", "neg_"}
FILLED = {"masked_fill", "masked_fill_", "where", "__setitem__"}
CAPPED = {"tanh", "tanh_"}
JOINED = {"cat", "concat", "concatenate", "pad"}
ON_SCORES = MOVES | TIMES | OVER | PLUS | MINUS | NEGATED | FILLED | CAPPED | JOINED
BESIDE = PLUS | MINUS | FILLED | JOINED | TIMES | OVER  # what is put beside scores says nothing of where they come from
EXP = {"exp", "exp_"}
SILENT = {
    "size", "dim", "shape", "dtype", "device", "is_floating_point", "numel", "requires_grad", "is_cuda", "ndim", "layout",
    "is_nested", "stride", "is_contiguous", "__len__", "element_size", "is_sparse", "is_quantized", "grad_fn", "grad", "ndimension",
    "is_leaf", "itemsize", "nbytes", "is_meta", "is_cpu", "data_ptr", "storage_offset", "is_complex", "get_device", "__repr__",
    "__hash__", "names", "_backward_hooks", "is_inference", "is_same_size", "__contains__", "tolist", "item", "numpy", "__bool__",
    "__int__", "__float__", "untyped_storage", "_is_view", "_base", "_version", "is_signed", "is_mkldnn", "is_xla", "is_mps",
    "dim_order", "has_names", "backward", "register_hook",
}  # fmt: skip
