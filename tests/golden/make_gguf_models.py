"""
Writes tests/golden/gguf/models/: a tiny GGUF model of every architecture, converted as llama.cpp's conversion does, and
models.json with the logits that transformers finds in float32 for the very values the files hold.

    python tests/golden/make_gguf_models.py [NAME …]

make_llama_cpp.mjs then adds what llama.cpp finds for the files. Names of tensors are those of llama.cpp's own Python
package. Needs gguf, torch, transformers.
"""

import json
import sys
from base64 import b64encode
from pathlib import Path

import gguf
import numpy as np
import torch
import transformers
from gguf import GGMLQuantizationType as Type
from make_gguf import byte_level, permute, pieces, sentence_piece

FOLDER = Path(__file__).with_name("gguf") / "models"
FOLDER.mkdir(exist_ok=True)
TOKENS = 24
ROWS = [4, 11, 23]

SIZES = dict(
    hidden_size=32,
    intermediate_size=64,
    num_hidden_layers=2,
    num_attention_heads=2,
    num_key_value_heads=1,
    max_position_embeddings=64,
)
SENTENCE_PIECE, BYTE_LEVEL = 259 + len(pieces()), 337


def rope(rope_type, theta=10000.0, **options):
    return dict(rope_type=rope_type, rope_theta=theta, **options)


LONG = [1.0 + 0.5 * i for i in range(6)]
SHORT = [1.0 + 0.1 * i for i in range(6)]
LLAMA3 = dict(factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=8192)

# GGUF's architecture, the config, what its keys say beside, the tensors' types.
MODELS = {
    "llama3": (
        "llama",
        transformers.LlamaConfig(
            **{**SIZES, "num_hidden_layers": 1},
            tie_word_embeddings=True,
            rope_parameters=rope("llama3", theta=500000.0, **LLAMA3),
        ),
        lambda w: None,
        [Type.Q8_0],
    ),
    "llama_linear": (
        "llama",
        transformers.LlamaConfig(
            **{**SIZES, "num_hidden_layers": 1},
            tie_word_embeddings=True,
            rope_parameters=rope("linear", factor=4.0),
        ),
        # A factor without a type.
        lambda w: w.add_float32("llama.rope.scaling.factor", 4.0),
        [Type.Q5_0],
    ),
    "llama_old_linear": (
        "llama",
        transformers.LlamaConfig(
            **{**SIZES, "num_hidden_layers": 1},
            tie_word_embeddings=True,
            rope_parameters=rope("linear", factor=2.5),
        ),
        lambda w: w.add_float32("llama.rope.scale_linear", 2.5),
        [Type.Q8_0],
    ),
    "llama_yarn": (
        "llama",
        transformers.LlamaConfig(
            **{**SIZES, "num_hidden_layers": 1},
            tie_word_embeddings=True,
            rope_parameters=rope("yarn", factor=4.0, original_max_position_embeddings=16),
        ),
        lambda w: (
            w.add_rope_scaling_type(gguf.RopeScalingType.YARN),
            w.add_rope_scaling_factor(4.0),
            w.add_rope_scaling_orig_ctx_len(16),
        ),
        [Type.Q8_0],
    ),
    "mistral": (
        "llama",
        transformers.MistralConfig(
            **{**SIZES, "num_hidden_layers": 1}, tie_word_embeddings=True, sliding_window=6
        ),
        # llama.cpp reads no such key of a Llama; whoever wrote it meant it.
        lambda w: w.add_sliding_window(6),
        [Type.Q8_0],
    ),
    "mixtral": (
        "llama",
        transformers.MixtralConfig(**SIZES, num_local_experts=3, num_experts_per_tok=2),
        lambda w: (w.add_expert_count(3), w.add_expert_used_count(2)),
        [Type.Q8_0, Type.Q5_1],
    ),
    # Queries, keys and values alone have biases: Hugging Face's Llama would have outputs' too.
    "llama_biased": (
        "llama",
        transformers.Qwen2Config(
            **{**SIZES, "num_hidden_layers": 1}, tie_word_embeddings=True, rope_parameters=rope("default")
        ),
        lambda w: None,
        [Type.Q8_0],
    ),
    "qwen2": (
        "qwen2",
        transformers.Qwen2Config(**SIZES, tie_word_embeddings=True, use_sliding_window=False),
        lambda w: None,
        [Type.Q8_0, Type.Q4_0],
    ),
    "qwen3": (
        "qwen3",
        transformers.Qwen3Config(**SIZES, head_dim=32, rope_parameters=rope("default", theta=1e6)),
        lambda w: None,
        [Type.Q8_0, Type.Q5_1],
    ),
    "phi3": (
        "phi3",
        transformers.Phi3Config(
            **SIZES,
            original_max_position_embeddings=16,
            pad_token_id=0,
            rope_parameters=rope("longrope", partial_rotary_factor=0.75, short_factor=SHORT, long_factor=LONG),
        ),
        lambda w: (
            w.add_rope_scaling_orig_ctx_len(16),
            w.add_rope_scaling_attn_factors(float(np.sqrt(1 + np.log(64 / 16) / np.log(16)))),
        ),
        [Type.Q8_0],
    ),
    "gemma": (
        "gemma",
        transformers.GemmaConfig(**SIZES, head_dim=32, hidden_act="gelu_pytorch_tanh"),
        lambda w: None,
        [Type.Q8_0, Type.Q4_1],
    ),
    "gemma2": (
        "gemma2",
        transformers.Gemma2Config(
            **SIZES,
            head_dim=32,
            query_pre_attn_scalar=32,
            sliding_window=6,
            attn_logit_softcapping=5.0,
            final_logit_softcapping=3.0,
        ),
        lambda w: (
            w.add_sliding_window(6),
            w.add_attn_logit_softcapping(5.0),
            w.add_final_logit_softcapping(3.0),
        ),
        [Type.Q8_0, Type.Q5_0],
    ),
    "gemma3": (
        "gemma3",
        transformers.Gemma3TextConfig(
            **{**SIZES, "num_hidden_layers": 6},
            head_dim=32,
            query_pre_attn_scalar=32,
            sliding_window=6,
            rope_parameters={
                "sliding_attention": rope("default"),
                "full_attention": rope("linear", theta=1e6, factor=8.0),
            },
        ),
        lambda w: (
            w.add_sliding_window(6),
            w.add_rope_scaling_type(gguf.RopeScalingType.LINEAR),
            w.add_rope_scaling_factor(8.0),
        ),
        [Type.Q4_0],
    ),
    "gpt2": (
        "gpt2",
        transformers.GPT2Config(n_embd=32, n_inner=64, n_layer=2, n_head=2, n_positions=64),
        lambda w: None,
        [Type.Q8_0, Type.F16],
    ),
    "gpt_neox": (
        "gptneox",
        transformers.GPTNeoXConfig(
            hidden_size=32,
            intermediate_size=64,
            num_hidden_layers=2,
            num_attention_heads=2,
            max_position_embeddings=64,
            tie_word_embeddings=False,
            rope_parameters=rope("default", partial_rotary_factor=0.25),
        ),
        lambda w: w.add_parallel_residual(True),
        [Type.Q8_0, Type.BF16],
    ),
    "qwen3moe": (
        "qwen3moe",
        transformers.Qwen3MoeConfig(
            **SIZES,
            head_dim=32,
            moe_intermediate_size=32,
            num_experts=3,
            num_experts_per_tok=2,
            norm_topk_prob=True,
            rope_parameters=rope("default", theta=1e6),
        ),
        lambda w: (w.add_expert_count(3), w.add_expert_used_count(2), w.add_expert_feed_forward_length(32)),
        [Type.Q8_0],
    ),
    "olmo2": (
        "olmo2",
        transformers.Olmo2Config(**SIZES, rope_parameters=rope("default")),
        lambda w: None,
        [Type.Q8_0],
    ),
    "granite": (
        "granite",
        transformers.GraniteConfig(
            **SIZES,
            tie_word_embeddings=True,
            embedding_multiplier=3.0,
            attention_multiplier=0.2,
            residual_multiplier=0.5,
            logits_scaling=2.0,
            rope_parameters=rope("default"),
        ),
        lambda w: (
            w.add_embedding_scale(3.0),
            w.add_attention_scale(0.2),
            w.add_residual_scale(0.5),
            w.add_logit_scale(2.0),
        ),
        [Type.Q8_0],
    ),
    "smollm3": (
        "smollm3",
        transformers.SmolLM3Config(
            **{**SIZES, "num_hidden_layers": 4},
            tie_word_embeddings=True,
            pad_token_id=0,
            rope_parameters=rope("default", theta=5e6),
        ),
        lambda w: None,
        [Type.Q4_0],
    ),
    "stablelm": (
        "stablelm",
        transformers.StableLmConfig(
            **SIZES, use_qkv_bias=True, rope_parameters=rope("default", partial_rotary_factor=0.25)
        ),
        lambda w: w.add_parallel_residual(False),
        [Type.Q8_0],
    ),
    "starcoder2": (
        "starcoder2",
        transformers.Starcoder2Config(**SIZES, sliding_window=None, rope_parameters=rope("default", theta=1e5)),
        lambda w: None,
        [Type.Q8_0],
    ),
    "cohere": (
        "command-r",
        transformers.CohereConfig(**SIZES, logit_scale=0.25, rope_parameters=rope("default", theta=8e6)),
        lambda w: w.add_logit_scale(0.25),
        [Type.Q8_0],
    ),
    "falcon": (
        "falcon",
        transformers.FalconConfig(
            hidden_size=32,
            num_hidden_layers=2,
            num_attention_heads=2,
            multi_query=True,
            parallel_attn=True,
            bias=False,
            alibi=False,
            max_position_embeddings=64,
            rope_parameters=rope("default"),
        ),
        lambda w: None,
        [Type.Q8_0],
    ),
    "falcon_grouped": (
        "falcon",
        transformers.FalconConfig(
            hidden_size=64,
            num_hidden_layers=1,
            num_attention_heads=4,
            num_kv_heads=2,
            new_decoder_architecture=True,
            bias=False,
            alibi=False,
            max_position_embeddings=64,
            rope_parameters=rope("default"),
        ),
        lambda w: None,
        [Type.Q8_0],
    ),
}
OF_SENTENCE_PIECE = ("llama", "phi3", "gemma", "gemma2", "gemma3")


def fill(model) -> None:
    """Random weights: matrices that keep a token's size, norms and biases that matter."""
    for name, weights in model.named_parameters():
        if weights.ndim == 1:
            around = 1.0 if ("norm" in name or "ln_" in name) and name.endswith("weight") else 0.0
            if "gemma" in model.config.model_type and "norm" in name:
                around = 0.0
            weights.copy_(around + 0.3 * torch.randn(weights.shape))
        elif any(part in name for part in ("embed_tokens", "embed_in", "wte", "wpe", "word_embeddings")):
            weights.copy_((0.2 if "gemma" in model.config.model_type else 1.0) * torch.randn(weights.shape))
        else:
            columns = weights.shape[-2] if "c_" in name else weights.shape[-1]
            weights.copy_(1.5 / columns**0.5 * torch.randn(weights.shape))


def ungroup(weights: np.ndarray, heads: int, kv: int, back: bool) -> np.ndarray:
    """From group by group (queries of a key-value head, its key, its value) to all queries, keys, values, or back."""
    shape = weights.shape
    queries = heads // kv
    dim = shape[0] // (heads + 2 * kv)
    blocks = weights.reshape(heads + 2 * kv, dim, *shape[1:])
    order = [g * (queries + 2) + q for g in range(kv) for q in range(queries)]
    order += [g * (queries + 2) + queries + part for part in (0, 1) for g in range(kv)]
    return blocks[np.argsort(order) if back else order].reshape(shape)


def unpermute(weights: np.ndarray, heads: int) -> np.ndarray:
    shape = weights.shape
    return weights.reshape(heads, shape[0] // heads // 2, 2, *shape[1:]).swapaxes(1, 2).reshape(shape)


def kv_heads(config) -> int:
    heads = config.num_attention_heads
    if config.model_type == "falcon":
        return config.num_kv_heads if config.new_decoder_architecture else 1 if config.multi_query else heads
    return getattr(config, "num_key_value_heads", heads)


def converted(arch: str, config, name: str, weights: np.ndarray, back: bool = False) -> np.ndarray:
    """A tensor as the file has it, or back."""
    heads = config.num_attention_heads
    for part, count in [("q_proj", heads), ("k_proj", kv_heads(config))]:
        if arch in ("llama", "granite", "smollm3") and part in name:
            return (unpermute if back else permute)(weights, count)
    if arch.startswith("gemma") and "norm" in name:
        return weights + (-1 if back else 1)
    if arch == "gpt2" and ".c_" in name and weights.ndim == 2:
        return weights.T
    if "query_key_value" in name:
        return ungroup(weights, heads, kv_heads(config), back)
    return weights


def add_keys(writer: gguf.GGUFWriter, arch: str, config) -> None:
    heads = config.num_attention_heads
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    inner = [getattr(config, key, None) for key in ("intermediate_size", "n_inner", "ffn_hidden_size")]
    writer.add_feed_forward_length(next(size for size in inner if size))
    writer.add_head_count(heads)
    writer.add_head_count_kv(kv_heads(config))
    if hasattr(config, "rms_norm_eps"):
        writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    else:
        eps = [getattr(config, key, None) for key in ("layer_norm_eps", "layer_norm_epsilon", "norm_epsilon")]
        writer.add_layer_norm_eps(next(value for value in eps if value))
    head_dim = getattr(config, "head_dim", None) or config.hidden_size // heads
    parameters = getattr(config, "rope_parameters", None)
    if parameters:
        parameters = parameters.get("full_attention", parameters)
        writer.add_rope_freq_base(parameters["rope_theta"])
        writer.add_rope_dimension_count(int(head_dim * parameters.get("partial_rotary_factor", 1)))
    if head_dim * heads != config.hidden_size:
        writer.add_key_length(head_dim)
        writer.add_value_length(head_dim)


def write(name: str) -> dict:
    arch, config, more_keys, types = MODELS[name]
    config.vocab_size = SENTENCE_PIECE if arch in OF_SENTENCE_PIECE else BYTE_LEVEL
    torch.manual_seed(99)
    model = transformers.AutoModelForCausalLM.from_config(config, attn_implementation="eager", dtype=torch.float32).eval()
    path = str(FOLDER / f"{name}.gguf")
    writer = gguf.GGUFWriter(path, arch)
    add_keys(writer, arch, config)
    more_keys(writer)
    (sentence_piece if arch in OF_SENTENCE_PIECE else byte_level)(writer)
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH_NAMES_INVERSE[arch], config.num_hidden_layers) if hasattr(
        gguf, "MODEL_ARCH_NAMES_INVERSE"
    ) else gguf.get_tensor_name_map(
        next(key for key, value in gguf.MODEL_ARCH_NAMES.items() if value == arch), config.num_hidden_layers
    )
    made = 0

    def stored(own: str, weights: np.ndarray) -> np.ndarray:
        """Writes a tensor. Gives what was kept of it."""
        nonlocal made
        type = Type.F32
        if weights.ndim > 1:
            type = Type.F32 if "ffn_gate_inp" in own else types[made % len(types)]
            made += 1
        data = gguf.quants.quantize(np.ascontiguousarray(weights, np.float32), type)
        writer.add_tensor(own, data, raw_dtype=type)
        return gguf.quants.dequantize(data, type).reshape(weights.shape)

    def called(hub: str) -> str:
        found = names.get_name(hub, try_suffixes=(".weight", ".bias"))
        assert found, hub
        return found

    with torch.no_grad():
        fill(model)
        done = set()
        for hub, parameter in model.named_parameters():
            if parameter.data_ptr() in done:
                continue
            done.add(parameter.data_ptr())
            weights = parameter.numpy()
            if "experts" in hub:
                # transformers has gates and ups of all experts in one tensor.
                at = hub.split(".")[2]
                if "gate_up" in hub:
                    half = weights.shape[1] // 2
                    kept = [
                        stored(f"blk.{at}.ffn_gate_exps.weight", weights[:, :half]),
                        stored(f"blk.{at}.ffn_up_exps.weight", weights[:, half:]),
                    ]
                    parameter.copy_(torch.from_numpy(np.concatenate(kept, 1)))
                else:
                    parameter.copy_(torch.from_numpy(stored(f"blk.{at}.ffn_down_exps.weight", weights)))
                continue
            if "experts" not in hub and hub.endswith("mlp.gate.weight"):
                own = f"blk.{hub.split('.')[2]}.ffn_gate_inp.weight"
            else:
                own = called(hub)
            kept = stored(own, converted(arch, config, hub, weights))
            parameter.copy_(torch.from_numpy(np.ascontiguousarray(converted(arch, config, hub, kept, back=True))))
        if name == "llama3":
            # What its conversion computes of the config.
            inverse = model.model.rotary_emb.inv_freq.numpy()
            plain = 1 / 500000.0 ** (np.arange(0, 16, 2) / 16)
            writer.add_tensor("rope_freqs.weight", (plain / inverse).astype(np.float32))
        if name == "phi3":
            writer.add_tensor("rope_factors_long.weight", np.array(LONG, np.float32))
            writer.add_tensor("rope_factors_short.weight", np.array(SHORT, np.float32))
        tokens = torch.randint(3, config.vocab_size, (TOKENS,), generator=torch.Generator().manual_seed(7))
        logits = model(tokens[None]).logits[0, ROWS]
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    print(f"{name}: {Path(path).stat().st_size} bytes, logits vary by {logits.std(-1).mean():.3f}")
    return {
        "model_type": config.model_type,
        "ids": tokens.tolist(),
        "rows": ROWS,
        "logits": b64encode(logits.numpy().astype("<f4").tobytes()).decode(),
    }


if __name__ == "__main__":
    torch.set_num_threads(1)
    path = FOLDER / "models.json"
    golden = json.loads(path.read_text())["models"] if path.exists() else {}
    for name in sys.argv[1:] or MODELS:
        golden[name] = write(name)
    path.write_text(json.dumps({"made_by": "make_gguf_models.py, gguf, transformers", "models": golden}) + "\n")
