"""Writes variants of tiny checkpoints, and the logits that transformers finds for each, for compare_variants.ts.

    python tests/golden/compare_variants.py FOLDER [PART OF A NAME …]

A variant is a config that some architecture may have, or a way in which the files of a checkpoint may lie. Each is a
folder: config.json, safetensors, and expected.safetensors with `tokens` [T] and `logits` [T, vocab_size], or expected.json
with the reason why transformers finds none: it fails, or fills what is missing with random numbers. Where weights have
scales beside them, logits are those of the weights times their scales.
"""

import copy
import json
import logging
import os
import shutil
import sys

import torch
import transformers
from safetensors.torch import load_file, save_file

from make_tiny_models import SIZES, TOKENS, fill

T = transformers
INDEX = "model.safetensors.index.json"
LONG = [1.0 + 0.5 * i for i in range(4)]
SHORT = [1.0 + 0.1 * i for i in range(4)]


def rope(rope_type, **options):
    return dict(rope_parameters=dict(rope_type=rope_type, rope_theta=10000.0, **options))


GPT2 = dict(vocab_size=112, n_embd=32, n_layer=2, n_head=4, n_positions=64, bos_token_id=1, eos_token_id=2)
OPT = dict(vocab_size=112, hidden_size=32, ffn_dim=48, num_hidden_layers=2, num_attention_heads=4,
           max_position_embeddings=64, word_embed_proj_dim=32)
NEOX = dict(vocab_size=112, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2,
            max_position_embeddings=64, bos_token_id=1, eos_token_id=2)
FALCON = dict(vocab_size=112, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, max_position_embeddings=64,
              bos_token_id=1, eos_token_id=2)
MOE = dict(num_experts=4, num_experts_per_tok=2, moe_intermediate_size=20, head_dim=16)
GEMMA = dict(head_dim=12, query_pre_attn_scalar=10)

# Each architecture's own config and sizes.
BASES = {
    "llama": (T.LlamaConfig, SIZES),
    "mistral": (T.MistralConfig, SIZES),
    "mixtral": (T.MixtralConfig, dict(SIZES, num_local_experts=4, num_experts_per_tok=2)),
    "qwen2": (T.Qwen2Config, SIZES),
    "qwen3": (T.Qwen3Config, dict(SIZES, head_dim=16)),
    "qwen3_moe": (T.Qwen3MoeConfig, dict(SIZES, **MOE)),
    "phi3": (T.Phi3Config, SIZES),
    "gemma": (T.GemmaConfig, dict(SIZES, head_dim=12)),
    "gemma2": (T.Gemma2Config, dict(SIZES, **GEMMA, sliding_window=6)),
    "gemma3_text": (T.Gemma3TextConfig, dict(SIZES, **GEMMA, sliding_window=6)),
    "opt": (T.OPTConfig, OPT),
    "gpt2": (T.GPT2Config, GPT2),
    "gpt_neox": (T.GPTNeoXConfig, NEOX),
    "olmo2": (T.Olmo2Config, SIZES),
    "granite": (T.GraniteConfig, SIZES),
    "smollm3": (T.SmolLM3Config, SIZES),
    "stablelm": (T.StableLmConfig, SIZES),
    "starcoder2": (T.Starcoder2Config, SIZES),
    "cohere": (T.CohereConfig, SIZES),
    "falcon": (T.FalconConfig, FALCON),
}

LLAMA3 = rope("llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=16)
YARN = dict(factor=4.0, original_max_position_embeddings=16)

# Changes that any config with a Llama's names may have.
COMMON = {
    "plain": {},
    "tied": dict(tie_word_embeddings=True),
    "untied": dict(tie_word_embeddings=False),
    "one_kv_head": dict(num_key_value_heads=1),
    "gelu": dict(hidden_act="gelu"),
    "eps": dict(rms_norm_eps=1e-3, layer_norm_eps=1e-3, norm_epsilon=1e-3),
    "theta": dict(rope_parameters=dict(rope_type="default", rope_theta=50.0)),
    "linear": rope("linear", factor=4.0),
    "biases": dict(attention_bias=True, mlp_bias=True, use_bias=True, use_qkv_bias=True),
}
# Which of them the others have.
ONLY_COMMON = {"gemma3_text": ["plain", "tied", "untied", "one_kv_head", "gelu", "eps"], "phi3": ["plain", "tied", "one_kv_head", "gelu", "eps", "theta"]}

# Further ones.
CONFIGS = {
    "llama": {
        "all_kv_heads": dict(num_key_value_heads=4),
        "head_dim": dict(head_dim=12),
        "one_layer": dict(num_hidden_layers=1),
        "odd_vocab": dict(vocab_size=113),
        "relu": dict(hidden_act="relu"),
        "gelu_new": dict(hidden_act="gelu_new"),
        "gelu_fast": dict(hidden_act="gelu_fast"),
        "gelu_pytorch_tanh": dict(hidden_act="gelu_pytorch_tanh"),
        "quick_gelu": dict(hidden_act="quick_gelu"),
        "mlp_bias": dict(mlp_bias=True),
        "llama3": LLAMA3,
        "dynamic": dict(rope("dynamic", factor=4.0), max_position_embeddings=16),
        "yarn": rope("yarn", **YARN),
        "yarn_mscale": rope("yarn", **YARN, mscale=0.7, mscale_all_dim=1.3),
        "yarn_mscale_alone": rope("yarn", **YARN, mscale=0.7),
        "yarn_betas": rope("yarn", **YARN, beta_fast=8.0, beta_slow=0.5, truncate=False),
        "yarn_attention_factor": rope("yarn", **YARN, attention_factor=1.5),
        "longrope": dict(rope("longrope", short_factor=SHORT, long_factor=LONG, factor=4.0,
                              original_max_position_embeddings=16)),
        "partial": rope("default", partial_rotary_factor=0.5),
        "partial_linear": rope("linear", factor=2.0, partial_rotary_factor=0.5),
    },
    "mistral": {
        "window": dict(sliding_window=7),
        "no_window": dict(sliding_window=None),
        "head_dim": dict(head_dim=12),
        "llama3": LLAMA3,
    },
    "mixtral": {
        "one_expert_each": dict(num_experts_per_tok=1),
        "all_experts": dict(num_experts_per_tok=4),
        "window": dict(sliding_window=7),
    },
    "qwen2": {
        "slides": dict(use_sliding_window=True, sliding_window=5, max_window_layers=1),
        "slides_unused": dict(use_sliding_window=False, sliding_window=5),
        "layer_types": dict(use_sliding_window=True, sliding_window=5,
                            layer_types=["full_attention", "sliding_attention"]),
        "yarn": rope("yarn", **YARN),
    },
    "qwen3": {
        "slides": dict(use_sliding_window=True, sliding_window=5, max_window_layers=1),
        "head_dim": dict(head_dim=8),
        "yarn": rope("yarn", **YARN),
    },
    "qwen3_moe": {
        "norm_topk": dict(norm_topk_prob=True),
        "one_expert_each": dict(num_experts_per_tok=1),
        "dense_layer": dict(mlp_only_layers=[0]),
        "every_second": dict(decoder_sparse_step=2),
        "slides": dict(use_sliding_window=True, sliding_window=5),
    },
    "phi3": {
        "window": dict(sliding_window=9),
        "longrope": dict(rope("longrope", partial_rotary_factor=1.0, short_factor=SHORT, long_factor=LONG),
                         original_max_position_embeddings=16),
        "partial": rope("default", partial_rotary_factor=0.5),
    },
    "gemma": {"hidden_activation": dict(hidden_act="gelu_pytorch_tanh")},
    "gemma2": {
        "no_caps": dict(attn_logit_softcapping=None, final_logit_softcapping=None),
        "caps": dict(attn_logit_softcapping=5.0, final_logit_softcapping=3.0),
        "layer_types": dict(layer_types=["full_attention", "sliding_attention"]),
    },
    "gemma3_text": {
        "layers": dict(num_hidden_layers=7),
        "layer_types": dict(layer_types=["full_attention", "sliding_attention"]),
        "caps": dict(attn_logit_softcapping=5.0, final_logit_softcapping=3.0),
    },
    "opt": {
        "plain": {},
        "untied": dict(tie_word_embeddings=False),
        "post_norm": dict(do_layer_norm_before=False),
        "narrow": dict(word_embed_proj_dim=20),
        "no_bias": dict(enable_bias=False),
        "gelu": dict(activation_function="gelu"),
        "no_final_norm": dict(_remove_final_layer_norm=True),
        "no_affine": dict(layer_norm_elementwise_affine=False),
    },
    "gpt2": {
        "plain": {},
        "untied": dict(tie_word_embeddings=False),
        "inner": dict(n_inner=40),
        "eps": dict(layer_norm_epsilon=1e-3),
        "gelu": dict(activation_function="gelu"),
        "inverse_layer": dict(scale_attn_by_inverse_layer_idx=True),
        "unscaled": dict(scale_attn_weights=False),
        "upcast": dict(reorder_and_upcast_attn=True),
    },
    "gpt_neox": {
        "plain": {},
        "tied": dict(tie_word_embeddings=True),
        "sequential": dict(use_parallel_residual=False),
        "half": rope("default", partial_rotary_factor=0.5),
        "whole": rope("default", partial_rotary_factor=1.0),
        "no_attention_bias": dict(attention_bias=False),
        "relu": dict(hidden_act="relu"),
        "eps": dict(layer_norm_eps=1e-3),
        "linear": rope("linear", factor=4.0, partial_rotary_factor=0.25),
    },
    "granite": {
        "multipliers": dict(embedding_multiplier=3.0, logits_scaling=4.0, residual_multiplier=0.3,
                            attention_multiplier=0.2),
        "default_multipliers": {},
    },
    "smollm3": {
        "interval": dict(no_rope_layer_interval=2),
        "layers": dict(no_rope_layers=[0, 1]),
        "slides": dict(no_rope_layers=[0, 1], use_sliding_window=True, sliding_window=5),
        "slides_unused": dict(sliding_window=5),
        "five": dict(num_hidden_layers=5),
    },
    "stablelm": {
        "parallel": dict(use_parallel_residual=True),
        "qk_layernorm": dict(qk_layernorm=True),
        "half": rope("default", partial_rotary_factor=0.5),
        "parallel_bias": dict(use_parallel_residual=True, use_qkv_bias=True),
    },
    "starcoder2": {
        "window": dict(sliding_window=7),
        "no_bias": dict(use_bias=False),
    },
    "cohere": {
        "scale": dict(logit_scale=1.7),
        "qk_norm": dict(use_qk_norm=True),
    },
    "falcon": {
        "plain": {},
        "untied": dict(tie_word_embeddings=False),
        "new": dict(new_decoder_architecture=True, num_kv_heads=2),
        "new_one_norm": dict(new_decoder_architecture=True, num_kv_heads=2, num_ln_in_parallel_attn=1),
        "many_heads": dict(multi_query=False),
        "sequential": dict(parallel_attn=False),
        "bias": dict(bias=True),
        "alibi": dict(alibi=True),
        "inner": dict(ffn_hidden_size=40),
        "linear": rope("linear", factor=4.0),
        "act": dict(activation="relu"),
        "sequential_many": dict(parallel_attn=False, multi_query=False, bias=True),
    },
}

for arch in BASES:
    if arch in ("opt", "gpt2", "gpt_neox", "falcon"):
        continue
    common = {key: COMMON[key] for key in ONLY_COMMON.get(arch, COMMON)}
    CONFIGS[arch] = {**common, **CONFIGS.get(arch, {})}


class Files:
    """What a checkpoint's folder will hold. `weights`: the tensors that it stands for, where it has others."""

    def __init__(self, config, tensors):
        self.config = config
        self.tensors = tensors
        self.weights = None
        self.text = None
        self.shards = None
        self.index = None
        self.more = {}

    def rename(self, change):
        self.tensors = {change(name): tensor for name, tensor in self.tensors.items()}

    def write(self, folder):
        with open(f"{folder}/config.json", "w") as file:
            file.write(json.dumps(self.config, indent=2) if self.text is None else self.text)
        tensors = {name: tensor.contiguous().clone() for name, tensor in self.tensors.items()}
        if self.shards:
            self.shards(folder, tensors)
        else:
            save_file(tensors, f"{folder}/model.safetensors", metadata={"format": "pt"})
        for name, text in self.more.items():
            with open(f"{folder}/{name}", "w") as file:
                file.write(text if isinstance(text, str) else json.dumps(text))


def sharded(edit=lambda index: None):
    def write(folder, tensors):
        places = {}
        names = sorted(tensors)
        for shard in range(2):
            name = f"model-{shard + 1:05}-of-00002.safetensors"
            part = {key: tensors[key] for key in names[shard::2]}
            save_file(part, f"{folder}/{name}", metadata={"format": "pt"})
            places.update({key: name for key in part})
        index = {"metadata": {"total_size": 0}, "weight_map": places}
        edit(index)
        with open(f"{folder}/{INDEX}", "w") as file:
            json.dump(index, file)

    return write


def head_of(files):
    return next((name for name in files.tensors if name in ("lm_head.weight", "embed_out.weight")), None)


def embedding_of(files):
    return next(name for name in files.tensors if name.endswith(("embed_tokens.weight", "wte.weight", "embed_in.weight", "word_embeddings.weight")))


def both_copies(files):
    files.tensors["lm_head.weight"] = files.tensors[embedding_of(files)].clone()


def only_head(files):
    both_copies(files)
    del files.tensors[embedding_of(files)]


def other_head(files):
    both_copies(files)
    files.tensors["lm_head.weight"] = files.tensors["lm_head.weight"].flip(0)


def no_head(files):
    del files.tensors[head_of(files)]


def no_prefix(files):
    files.rename(lambda name: name.removeprefix("model.").removeprefix("transformer.").removeprefix("gpt_neox."))


def opt_old(files):
    files.rename(lambda name: name.removeprefix("model."))


def twice_prefixed(files):
    files.rename(lambda name: "model." + name)


def extras(files):
    files.tensors["model.layers.0.self_attn.rotary_emb.inv_freq"] = torch.ones(4)
    files.tensors["h.0.attn.bias"] = torch.ones(1, 1, 8, 8, dtype=torch.uint8)
    files.tensors["training.step"] = torch.tensor(7, dtype=torch.int64)
    files.tensors["a complex one"] = torch.ones(3, dtype=torch.complex64)
    files.tensors["model.layers.9.mlp.up_proj.weight"] = torch.ones(3, 3)


def strange_dtypes(files):
    files.tensors["extra.e8m0"] = torch.ones(4, dtype=torch.uint8).view(torch.float8_e8m0fnu)
    files.tensors["extra.u16"] = torch.ones(4, dtype=torch.uint16)
    files.tensors["extra.bool"] = torch.ones(4, dtype=torch.bool)
    files.tensors["extra.f8"] = torch.ones(4).to(torch.float8_e5m2)


def cast(dtype):
    def edit(files):
        files.tensors = {name: tensor.to(dtype) for name, tensor in files.tensors.items()}

    return edit


def mixed(files):
    for i, name in enumerate(sorted(files.tensors)):
        files.tensors[name] = files.tensors[name].to([torch.float32, torch.float16, torch.bfloat16, torch.float64][i % 4])


def shards(edit=lambda index: None):
    def run(files):
        files.shards = sharded(edit)

    return run


def index_extras(index):
    index["weight_map"]["model.rotary.inv_freq"] = "model-00001-of-00002.safetensors"
    index["weight_map"]["__metadata__"] = "model-00002-of-00002.safetensors"


def index_elsewhere(index):
    first = sorted(index["weight_map"])[0]
    index["weight_map"][first] = "model-00002-of-00002.safetensors"


def index_short(index):
    # What the index does not name lies in a shard that it names.
    del index["weight_map"][sorted(index["weight_map"])[1]]


def index_no_metadata(files):
    """transformers fails; what the weights are is plain."""
    files.shards = sharded(lambda index: index.pop("metadata"))
    files.weights = dict(files.tensors)


def index_ghost_shard(index):
    index["weight_map"]["model.ghost.weight"] = "model-00003-of-00002.safetensors"


def whole_and_index(files):
    files.more[INDEX] = {"metadata": {}, "weight_map": {"a": "model-00001-of-00002.safetensors"}}


def json_as_python(files):
    files.config.update(routing_loss=float("nan"), most=float("inf"), least=float("-inf"), seed=2**70,
                        note="caf\u00e9 \u2028 \U0001f600", half="x")
    files.text = json.dumps(files.config, ensure_ascii=True).replace('"x"', '"\\ud800"')


def json_floats(files):
    # Sizes as floats, as some tools write them.
    files.weights = dict(files.tensors)
    files.text = json.dumps(files.config).replace('"hidden_size": 32', '"hidden_size": 32.0')


def json_twice(files):
    text = json.dumps(files.config)
    files.text = '{"vocab_size": 7, ' + text[1:]


def json_bom(files):
    files.weights = dict(files.tensors)
    files.text = "\ufeff" + json.dumps(files.config)


def json_space(files):
    files.text = "\r\n\t " + json.dumps(files.config, indent=4).replace("\n", "\r\n") + "\r\n\r\n"


def old_names(files):
    """As transformers 4 wrote it."""
    config = files.config
    given = config.pop("rope_parameters", None)
    if given:
        config["rope_theta"] = given.pop("rope_theta", 10000.0)
        partial = given.pop("partial_rotary_factor", None)
        if partial is not None:
            config["partial_rotary_factor"] = partial
        kind = given.pop("rope_type", "default")
        config["rope_scaling"] = None if kind == "default" else {"type": kind, **given}
    if "dtype" in config:
        config["torch_dtype"] = config.pop("dtype")
    config["transformers_version"] = "4.30.0"


def old_names_unscaled(files):
    old_names(files)
    files.config.pop("rope_scaling", None)


def silent(files):
    """What has a default goes."""
    keep = {"model_type", "vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads",
            "num_key_value_heads", "head_dim", "n_embd", "n_layer", "n_head", "n_positions", "ffn_dim",
            "max_position_embeddings", "word_embed_proj_dim", "query_pre_attn_scalar", "sliding_window", "layer_types",
            "num_local_experts", "num_experts_per_tok", "num_experts", "moe_intermediate_size", "rope_parameters", "num_kv_heads", "pad_token_id"}
    files.config = {key: value for key, value in files.config.items() if key in keep}


def silent_rope(files):
    silent(files)
    files.config.pop("rope_parameters", None)


def nulls(files):
    for key in ["rope_scaling", "bos_token_id", "pad_token_id"]:
        files.config[key] = None


def fused_experts(files):
    """Mixtral's experts as transformers 5 holds them in memory."""
    for layer in range(2):
        at = f"model.layers.{layer}.block_sparse_moe"
        parts = [[files.tensors.pop(f"{at}.experts.{e}.w{i}.weight") for e in range(4)] for i in (1, 2, 3)]
        gate_up = torch.stack([torch.cat([one, three]) for one, three in zip(parts[0], parts[2])])
        files.tensors[f"model.layers.{layer}.mlp.experts.gate_up_proj"] = gate_up
        files.tensors[f"model.layers.{layer}.mlp.experts.down_proj"] = torch.stack(parts[1])
        files.tensors[f"model.layers.{layer}.mlp.gate.weight"] = files.tensors.pop(f"{at}.gate.weight")


def legacy_norms(files):
    files.rename(lambda name: name.replace("ln_1.weight", "ln_1.gamma").replace("ln_1.bias", "ln_1.beta"))


def gpt2_masks(files):
    for layer in range(2):
        files.tensors[f"transformer.h.{layer}.attn.bias"] = torch.ones(1, 1, 64, 64, dtype=torch.bool)
        files.tensors[f"transformer.h.{layer}.attn.masked_bias"] = torch.tensor(-1e4)


def missing_one(files):
    del files.tensors[sorted(name for name in files.tensors if "layers.1" in name)[0]]


def wrong_shape(files):
    name = sorted(name for name in files.tensors if name.endswith("down_proj.weight"))[0]
    files.tensors[name] = files.tensors[name][:, :-1]


def stray_biases(files):
    """Biases that the config denies: transformers leaves them out."""
    files.tensors["model.layers.0.self_attn.q_proj.bias"] = torch.ones(32)


def linears(files):
    return [name for name in files.tensors if files.tensors[name].ndim == 2 and "layers" in name or ".h." in name]


def scaled(kind, target=torch.float8_e4m3fn, suffix="weight_scale", inverse=False, more=None, dtype=torch.float32, keep=()):
    """Each Linear of the layers as codes with scales beside them."""

    def edit(files):
        weights = dict(files.tensors)
        for name in list(files.tensors):
            if not name.endswith("proj.weight") or any(part in name for part in keep):
                continue
            weight = files.tensors[name].float()
            peak = 448.0 if target == torch.float8_e4m3fn else 127.0
            rows, cols = weight.shape
            if kind == "tensor":
                scale = weight.abs().max() / peak
                full = scale
            elif kind == "one":
                scale = (weight.abs().max() / peak).reshape(1)
                full = scale
            elif kind in ("row", "rows"):
                scale = weight.abs().amax(1) / peak
                full = scale[:, None]
                scale = scale[:, None] if kind == "row" else scale
            else:
                b = 128
                down, across = -(-rows // b), -(-cols // b)
                padded = torch.zeros(down * b, across * b)
                padded[:rows, :cols] = weight
                scale = padded.reshape(down, b, across, b).abs().amax((1, 3)) / peak
                full = scale.repeat_interleave(b, 0).repeat_interleave(b, 1)[:rows, :cols]
            scale = scale.to(dtype)
            full = full.to(dtype).float()
            if kind == "scb":
                pass
            codes = weight / full
            codes = codes.to(target) if target == torch.float8_e4m3fn else codes.round().clamp(-127, 127).to(target)
            weights[name] = codes.float() * full
            files.tensors[name] = codes
            base = name.removesuffix("weight")
            files.tensors[base + suffix] = scale
            if suffix == "SCB":
                files.tensors[base + "SCB"] = (scale * 127).reshape(-1)
                files.tensors[base + "weight_format"] = torch.tensor(0, dtype=torch.uint8)
            if more == "input":
                files.tensors[base + "input_scale"] = torch.tensor(0.01)
            if more == "zero":
                files.tensors[base + "weight_zero_point"] = torch.zeros_like(scale, dtype=torch.int8)
        files.weights = weights
        if more == "hf_quant":
            files.more["hf_quant_config.json"] = {
                "producer": {"name": "modelopt", "version": "0.29"},
                "quantization": {"quant_algo": "FP8", "kv_cache_quant_algo": None, "exclude_modules": ["lm_head"]},
            }
        elif isinstance(more, dict):
            files.config["quantization_config"] = more

    return edit


FP8 = {"quant_method": "fp8", "activation_scheme": "dynamic", "weight_block_size": [128, 128]}
COMPRESSED = {
    "quant_method": "compressed-tensors", "format": "float-quantized", "quantization_status": "compressed",
    "ignore": ["lm_head"],
    "config_groups": {"group_0": {"targets": ["Linear"], "weights": {
        "num_bits": 8, "type": "float", "strategy": "channel", "symmetric": True, "dynamic": False}}},
}
BNB8 = {"quant_method": "bitsandbytes", "load_in_8bit": True, "load_in_4bit": False, "llm_int8_threshold": 6.0}
BIG = dict(hidden_size=160, intermediate_size=272)


def f8_alone(files):
    """FP8 without any scale: a cast."""
    for name in list(files.tensors):
        if name.endswith("proj.weight"):
            files.tensors[name] = files.tensors[name].to(torch.float8_e4m3fn)
    files.weights = {name: tensor.float() for name, tensor in files.tensors.items()}


def gptq(files):
    files.config["quantization_config"] = {"quant_method": "gptq", "bits": 4, "group_size": 32}
    for name in list(files.tensors):
        if name.endswith("proj.weight"):
            base = name.removesuffix("weight")
            del files.tensors[name]
            files.tensors[base + "qweight"] = torch.zeros(4, 32, dtype=torch.int32)


def scale_shape(files):
    scaled("tensor")(files)
    for name in list(files.tensors):
        if name.endswith("weight_scale"):
            files.tensors[name] = torch.ones(5)
    files.weights = "none"


def int8_no_scale(files):
    scaled("row", torch.int8)(files)
    for name in list(files.tensors):
        if name.endswith("weight_scale"):
            del files.tensors[name]
    files.weights = "none"


def everywhere(edit, *archs):
    return [(arch, edit) for arch in archs or BASES]


MOST = ["llama", "qwen2", "gemma2", "gpt2", "opt", "gpt_neox", "falcon", "cohere", "mixtral"]
TIED = dict(tie_word_embeddings=True)
UNTIED = dict(tie_word_embeddings=False)

# name, architectures, changes of the config, edit of the files
FILES = [
    ("sharded", MOST, {}, shards()),
    ("extras", MOST, {}, extras),
    ("tied_both_copies", [*BASES], TIED, both_copies),
    ("tied_only_head", [*BASES], TIED, only_head),
    ("tied_other_head", ["llama", "gemma", "gpt2", "opt", "qwen2"], TIED, other_head),
    ("untied_no_head", ["llama", "gpt_neox", "mistral"], UNTIED, no_head),
    ("no_prefix", ["llama", "gpt2", "gpt_neox", "falcon", "qwen2", "gemma3_text"], TIED, no_prefix),
    ("no_prefix_opt", ["opt"], TIED, opt_old),
    ("no_prefix_untied", ["llama", "gpt2"], UNTIED, no_prefix),
    ("twice_prefixed", ["llama"], TIED, twice_prefixed),
    ("strange_dtypes", ["llama", "gpt2"], {}, strange_dtypes),
    ("f16", ["llama", "gpt_neox", "gemma"], {}, cast(torch.float16)),
    ("f32", ["llama", "gpt2", "cohere"], {}, cast(torch.float32)),
    ("f64", ["llama"], {}, cast(torch.float64)),
    ("mixed", ["llama", "gemma2"], {}, mixed),
    ("index_extras", ["llama"], {}, shards(index_extras)),
    ("index_elsewhere", ["llama"], {}, shards(index_elsewhere)),
    ("index_short", ["llama"], {}, shards(index_short)),
    ("index_no_metadata", ["llama"], {}, index_no_metadata),
    ("index_ghost_shard", ["llama"], {}, shards(index_ghost_shard)),
    ("whole_and_index", ["llama"], {}, whole_and_index),
    ("json_as_python", ["llama", "opt"], {}, json_as_python),
    ("json_floats", ["llama"], {}, json_floats),
    ("json_twice", ["llama"], {}, json_twice),
    ("json_bom", ["llama"], {}, json_bom),
    ("json_space", ["llama"], {}, json_space),
    ("old_names", [*BASES], {}, old_names),
    ("old_names_linear", ["llama", "qwen2", "mistral", "gpt_neox"], rope("linear", factor=4.0), old_names),
    ("old_names_llama3", ["llama"], LLAMA3, old_names),
    ("old_names_yarn", ["llama", "qwen2"], rope("yarn", **YARN), old_names),
    ("old_names_unscaled", ["llama", "stablelm"], {}, old_names_unscaled),
    ("silent", [*BASES], {}, silent),
    ("silent_rope", [*BASES], {}, silent_rope),
    ("nulls", ["llama", "qwen2", "gemma", "falcon"], {}, nulls),
    ("fused_experts", ["mixtral"], {}, fused_experts),
    ("legacy_norms", ["gpt2"], {}, legacy_norms),
    ("gpt2_masks", ["gpt2"], {}, gpt2_masks),
    ("missing_one", ["llama", "cohere"], {}, missing_one),
    ("wrong_shape", ["llama"], {}, wrong_shape),
    ("stray_biases", ["llama", "qwen2"], {}, stray_biases),
    ("f8_tensor", ["llama", "qwen3"], {}, scaled("tensor", more="hf_quant")),
    ("f8_tensor_plain", ["llama"], {}, scaled("tensor")),
    ("f8_one", ["llama"], {}, scaled("one", more="input")),
    ("f8_row", ["llama", "gemma2"], {}, scaled("row", more=COMPRESSED)),
    ("f8_rows", ["llama"], {}, scaled("rows")),
    ("f8_row_bf16", ["llama"], {}, scaled("row", dtype=torch.bfloat16)),
    ("f8_block", ["llama", "qwen3"], BIG, scaled("block", suffix="weight_scale_inv", more=FP8)),
    ("f8_block_plain", ["llama"], BIG, scaled("block", suffix="weight_scale_inv")),
    ("f8_some", ["llama"], {}, scaled("row", keep=("layers.0.", "down_proj"))),
    ("i8_row", ["llama"], {}, scaled("row", torch.int8)),
    ("i8_row_zero", ["llama"], {}, scaled("row", torch.int8, more="zero")),
    ("i8_tensor", ["llama"], {}, scaled("tensor", torch.int8)),
    ("i8_scb", ["llama", "qwen2"], {}, scaled("rows", torch.int8, suffix="SCB", more=BNB8)),
    ("i8_scb_plain", ["llama"], {}, scaled("rows", torch.int8, suffix="SCB")),
    ("f8_alone", ["llama"], {}, f8_alone),
    ("gptq", ["llama"], {}, gptq),
    ("f8_scale_shape", ["llama"], {}, scale_shape),
    ("i8_no_scale", ["llama"], {}, int8_no_scale),
]


def variants():
    for arch, configs in CONFIGS.items():
        for name, changes in configs.items():
            yield f"{arch}.{name}", arch, changes, None
    for name, archs, changes, edit in FILES:
        for arch in archs:
            yield f"{arch}.{name}", arch, changes, edit


def known(config_class, changes):
    """A config would take anything: what it has no field for is left out, so that no variant is another's twin."""
    fields = set(config_class().to_dict()) | {"rope_parameters", "tie_word_embeddings", "head_dim", "layer_types", "_remove_final_layer_norm"}
    # Copies, since configs write into what they are given.
    return {key: copy.deepcopy(value) for key, value in changes.items() if key in fields}


def logits_of(folder, files):
    if files.weights == "none":
        raise ValueError("weights and scales do not fit together")
    if files.weights is not None:
        where = folder + ".plain"
        os.makedirs(where)
        plain = Files({k: v for k, v in files.config.items() if k != "quantization_config"}, files.weights)
        plain.write(where)
        try:
            return logits_of(where, plain)
        finally:
            shutil.rmtree(where)
    config = T.AutoConfig.from_pretrained(folder)
    model, info = T.AutoModelForCausalLM.from_pretrained(
        folder, config=config, dtype=torch.float32, attn_implementation="eager", output_loading_info=True
    )
    missing = sorted(info["missing_keys"])
    if missing:
        raise ValueError(f"filled with random numbers: {', '.join(missing)}")
    if info["mismatched_keys"]:
        raise ValueError(f"of another shape: {sorted(info['mismatched_keys'])}")
    tokens = torch.randint(3, 112, (TOKENS,), generator=torch.Generator().manual_seed(7))
    with torch.no_grad():
        logits = model.eval()(tokens[None]).logits[0].contiguous()
    return {"tokens": tokens.int(), "logits": logits}


def write(root, variant):
    name, arch, changes, edit = variant
    config_class, sizes = BASES[arch]
    folder = os.path.join(root, name)
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    torch.manual_seed(1234)
    config = config_class(**{**sizes, **known(config_class, changes)})
    made = T.AutoModelForCausalLM.from_config(config, attn_implementation="eager", dtype=torch.float32)
    fill(made)
    made.to(torch.bfloat16).save_pretrained(folder)
    with open(f"{folder}/config.json") as file:
        files = Files(json.load(file), load_file(f"{folder}/model.safetensors"))
    if edit:
        for file in os.listdir(folder):
            os.remove(f"{folder}/{file}")
        edit(files)
        files.write(folder)
    try:
        save_file(logits_of(folder, files), f"{folder}/expected.safetensors")
        found = "logits"
    except Exception as error:
        found = f"{type(error).__name__}: {error}".split("\n")[0][:300]
        with open(f"{folder}/expected.json", "w") as file:
            json.dump({"error": found}, file)
    print(f"{name}: {found}", flush=True)


if __name__ == "__main__":
    torch.set_num_threads(1)
    logging.disable(logging.WARNING)
    T.utils.logging.disable_progress_bar()
    root, *parts = sys.argv[1:]
    seen = set()
    for variant in variants():
        if variant[0] in seen:
            raise SystemExit(f"two variants {variant[0]}")
        seen.add(variant[0])
        if not parts or any(part in variant[0] for part in parts):
            write(root, variant)
