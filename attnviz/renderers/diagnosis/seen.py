"""Where others met a mistake: public issues and pull requests, each of them read."""

from __future__ import annotations

from collections.abc import Mapping

SEEN: Mapping[str, tuple[str, ...]] = {
    "scale-missing": ("mlc-ai/mlc-llm#3426",),
    "scale-value": (
        "karpathy/ng-video-lecture#6",
        "Graylab/DL4Proteins-notebooks#12",
        "huggingface/transformers#38290",
    ),
    "causal-missing": ("keras-team/keras#23038", "facebookresearch/xformers#103", "huggingface/transformers#48745"),
    "causal-extra": ("huggingface/transformers#48172", "sgl-project/sglang#35434", "karpathy/nanochat#805"),
    "causal-top-left": ("pytorch/pytorch#108108", "pytorch/pytorch#144858", "Dao-AILab/flash-attention#351"),
    "causal-bottom-right": ("Dao-AILab/flash-attention#951",),
    "causal-hides-self": ("pbloem/former#10",),
    "groups-tiled": ("onnx/onnx#7274",),
    "groups-divided-wrong": ("PSAL-POSTECH/ONNXim#33",),
    "mask-inverted": ("rasbt/LLMs-from-scratch#1061", "pytorch/pytorch#170404"),
    "mask-missing": ("pytorch/pytorch#122753", "huggingface/diffusers#8886"),
    "mask-added": ("pytorch/pytorch#21518",),
    "mask-after-softmax": ("huggingface/pytorch-image-models#2236",),
    "mask-too-weak": ("TransformerLensOrg/TransformerLens#366",),
    "mask-wrong-axis": ("hyunwoongko/transformer#40",),
    "mask-zero-scores": ("georg-wolflein/good-features#1",),
    "window-off-by-one": ("huggingface/transformers#39408", "NVIDIA-NeMo/Megatron-Bridge#2656", "zml/zml#763"),
    "window-missing": ("unslothai/unsloth#8253", "proger/hippogriff#7"),
    "softcap-missing": ("vllm-project/vllm-metal#665", "sgl-project/sglang#33915"),
    "softcap-after-mask": ("onnx/onnx#7865", "emmtrix/emx-onnx-cgen#731"),
    "sinks-missing": ("vllm-project/vllm-metal#550",),
    "bias-negated": ("meta-pytorch/attention-gym#86",),
    "bias-scaled": ("microsoft/onnxruntime#14976", "tenstorrent/tt-metal#56406", "paiml/aprender#2143"),
    "heads-not-transposed-in": ("reczoo/FuxiCTR#30",),
    "heads-not-transposed-out": ("jsbaan/transformer-from-scratch#6", "hackiey/QAnet-pytorch#2"),
    "key-value-swapped": ("tenstorrent/tt-mlir#8958",),
    "empty-slots-counted": ("microsoft/onnxruntime-genai#2354",),
    "tile-rescaled-inversely": ("Dao-AILab/flash-attention#991",),
    "rope-missing": ("kvcache-ai/sglang#31",),
    "rope-twice": ("NeuraLegion/shainet#110",),
    "rope-interleaved": ("vllm-project/vllm-ascend#12765",),
    "rope-offset": ("RobertCsordas/moeut#6", "lucidrains/rotary-embedding-torch#11"),
    "softmax-over-queries": ("labmlai/annotated_deep_learning_paper_implementations#146", "FudanNLP/fastNLP#254"),
    "scale-after-softmax": ("FrancescoSaverioZuppichini/ViT#2",),
    "tile-padding-counted": ("flashinfer-ai/flashinfer#5090",),
    "accumulated-in-half": ("philipturner/metal-flash-attention#8",),
    "overflow": ("NVIDIA/DeepLearningExamples#169",),
    "hidden-rows-nan": ("pytorch/pytorch#103963", "iree-org/iree#24175"),
    "dropout": ("pytorch/pytorch#124464", "suno-ai/bark#662"),
    "bias-slopes": ("ml-explore/mlx#343", "ml-explore/mlx#3071"),
    "rope-angles-rounded": (
        "huggingface/transformers#25681",
        "EleutherAI/gpt-neox#1003",
        "sgl-project/sglang-jax#1472",
    ),
    "maximum-starts-finite": ("flashinfer-ai/flashinfer#4267", "flashinfer-ai/flashinfer#4450"),
    "mask-of-other-item": ("line/lighthouse#77", "ArrowLuo/CLIP4Clip#22"),
    "keys-repeated": ("PrimeIntellect-ai/prime-rl#2681", "ByteDance-Seed/VeOmni#162"),
    "width-cut": ("triton-lang/triton#621",),
}


def seen(name: str) -> tuple[str, ...]:
    """The issues of the mistake ``name``, as owner/repository#number; () where none is known."""
    return SEEN.get(name, ())
