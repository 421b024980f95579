"""Writes tiny checkpoints of every architecture, and the logits that transformers finds for them.

    python tests/golden/make_tiny_models.py [NAME …]

Each folder of tests/golden/models is a model in Hugging Face layout with random weights (fixed seed, BF16), large enough
for logits to vary, and a tokenizer of the 96 printable ASCII characters. golden.safetensors holds, for what float32
makes of them:

    tokens [T]                 fixed ids
    logits [T, vocab_size]     of a forward pass over all of them
    short_logits [S, …]        of one over the first S, where a rotary scaling depends on the length
"""

import json
import os
import shutil
import sys
import tempfile

import torch
import transformers
from safetensors.torch import save_file

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "models")
VOCAB = 112
TOKENS = 24

SIZES = dict(
    vocab_size=VOCAB,
    hidden_size=32,
    intermediate_size=48,
    num_hidden_layers=2,
    num_attention_heads=4,
    num_key_value_heads=2,
    max_position_embeddings=64,
    bos_token_id=1,
    eos_token_id=2,
    pad_token_id=0,
)


def rope(rope_type, **options):
    return dict(rope_type=rope_type, rope_theta=10000.0, **options)


def llama(**changes):
    return transformers.LlamaConfig(**{**SIZES, **changes})


FALCON = dict(
    vocab_size=VOCAB,
    hidden_size=32,
    ffn_hidden_size=48,
    num_hidden_layers=2,
    num_attention_heads=4,
    max_position_embeddings=64,
    bos_token_id=1,
    eos_token_id=2,
)

LONG = [1.0 + 0.5 * i for i in range(3)]
SHORT = [1.0 + 0.1 * i for i in range(3)]

# What each is there to show, beyond its name.
CONFIGS = {
    "llama2": llama(num_key_value_heads=4),
    "llama3": llama(
        tie_word_embeddings=True,
        rope_parameters=rope(
            "llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=16
        ),
    ),
    "llama_linear": llama(rope_parameters=rope("linear", factor=4.0), attention_bias=True, mlp_bias=True),
    "llama_dynamic": llama(rope_parameters=rope("dynamic", factor=4.0), max_position_embeddings=16),
    "llama_yarn": llama(
        rope_parameters=rope("yarn", factor=4.0, original_max_position_embeddings=16), head_dim=12, hidden_act="relu"
    ),
    "mistral": transformers.MistralConfig(**SIZES, sliding_window=7),
    "mixtral": transformers.MixtralConfig(**SIZES, num_local_experts=4, num_experts_per_tok=2),
    "qwen2": transformers.Qwen2Config(
        **SIZES, tie_word_embeddings=True, use_sliding_window=True, sliding_window=5, max_window_layers=1
    ),
    "qwen3": transformers.Qwen3Config(**SIZES, head_dim=16),
    "phi3": transformers.Phi3Config(**SIZES, sliding_window=9),
    "phi3_longrope": transformers.Phi3Config(
        **SIZES,
        original_max_position_embeddings=16,
        rope_parameters=rope("longrope", partial_rotary_factor=0.75, short_factor=SHORT, long_factor=LONG),
    ),
    "gemma": transformers.GemmaConfig(**SIZES, head_dim=12, hidden_act="gelu_pytorch_tanh"),
    "gemma2": transformers.Gemma2Config(
        **SIZES,
        head_dim=12,
        query_pre_attn_scalar=10,
        sliding_window=6,
        attn_logit_softcapping=5.0,
        final_logit_softcapping=3.0,
    ),
    "gemma3": transformers.Gemma3TextConfig(
        **{**SIZES, "num_hidden_layers": 3},
        head_dim=12,
        query_pre_attn_scalar=10,
        sliding_window=6,
        layer_types=["sliding_attention", "sliding_attention", "full_attention"],
        rope_parameters={
            "sliding_attention": {"rope_type": "default", "rope_theta": 100.0},
            "full_attention": {"rope_type": "linear", "rope_theta": 10000.0, "factor": 8.0},
        },
    ),
    "opt": transformers.OPTConfig(
        vocab_size=VOCAB,
        hidden_size=32,
        ffn_dim=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=64,
        word_embed_proj_dim=32,
    ),
    # As OPT 350M: norms behind, embeddings narrower than the layers.
    "opt_post_norm": transformers.OPTConfig(
        vocab_size=VOCAB,
        hidden_size=32,
        ffn_dim=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=64,
        word_embed_proj_dim=20,
        do_layer_norm_before=False,
    ),
    "gpt2": transformers.GPT2Config(
        vocab_size=VOCAB, n_embd=32, n_layer=2, n_head=4, n_positions=64, bos_token_id=1, eos_token_id=2
    ),
    "gpt_neox": transformers.GPTNeoXConfig(
        vocab_size=VOCAB,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=64,
        rope_parameters=rope("default", partial_rotary_factor=0.25),
        bos_token_id=1,
        eos_token_id=2,
    ),
    "gpt_neox_sequential": transformers.GPTNeoXConfig(
        vocab_size=VOCAB,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=64,
        rope_parameters=rope("default", partial_rotary_factor=0.5),
        use_parallel_residual=False,
        hidden_act="gelu_new",
        bos_token_id=1,
        eos_token_id=2,
    ),
    "qwen3_moe": transformers.Qwen3MoeConfig(
        **SIZES, head_dim=16, num_experts=4, num_experts_per_tok=2, moe_intermediate_size=20, mlp_only_layers=[0]
    ),
    "olmo2": transformers.Olmo2Config(**SIZES),
    "granite": transformers.GraniteConfig(
        **SIZES, embedding_multiplier=3.0, logits_scaling=4.0, residual_multiplier=0.3, attention_multiplier=0.2
    ),
    "smollm3": transformers.SmolLM3Config(
        **SIZES, no_rope_layers=[0, 1], use_sliding_window=True, sliding_window=5
    ),
    "stablelm": transformers.StableLmConfig(**SIZES, use_qkv_bias=True),
    "stablelm_parallel": transformers.StableLmConfig(**SIZES, use_parallel_residual=True),
    "starcoder2": transformers.Starcoder2Config(**SIZES, sliding_window=7),
    "cohere": transformers.CohereConfig(**SIZES, attention_bias=True, logit_scale=0.7),
    "falcon": transformers.FalconConfig(**FALCON),
    "falcon_grouped": transformers.FalconConfig(**FALCON, new_decoder_architecture=True, num_kv_heads=2, bias=True),
}
# Where a pass over few tokens is another one.
SHORT_TOKENS = {"phi3_longrope": 12, "llama_dynamic": 12}


def fill(model):
    """Random weights: matrices that keep a token's size, norms and biases that matter."""
    with torch.no_grad():
        for name, weights in model.named_parameters():
            if weights.ndim == 1:
                around = 1.0 if "norm" in name or "ln_" in name else 0.0
                if "gemma" in model.config.model_type and "norm" in name:
                    around = 0.0
                weights.copy_(around + 0.3 * torch.randn(weights.shape))
            elif "embed" in name or "wte" in name or "wpe" in name:
                scale = 0.2 if "gemma" in model.config.model_type else 1.0
                weights.copy_(scale * torch.randn(weights.shape))
            else:
                columns = weights.shape[0] if "c_" in name else weights.shape[-1]
                weights.copy_(1.5 / columns**0.5 * torch.randn(weights.shape))


def tokenizer():
    """One token a character, after 3 special ones."""
    vocab = {"<pad>": 0, "<s>": 1, "</s>": 2, "\n": 3}
    for code in range(32, 127):
        vocab[chr(code)] = len(vocab)
    special = [
        dict(id=i, content=text, single_word=False, lstrip=False, rstrip=False, normalized=False, special=True)
        for i, text in enumerate(["<pad>", "<s>", "</s>"])
    ]
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": special,
        "normalizer": None,
        "pre_tokenizer": None,
        "post_processor": None,
        "decoder": {"type": "Fuse"},
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": "<pad>",
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "byte_fallback": False,
            "ignore_merges": False,
            "vocab": vocab,
            "merges": [],
        },
    }


def write(name, config):
    folder = os.path.join(HERE, name)
    torch.manual_seed(1234)
    # Eager attention knows soft-capping.
    made = transformers.AutoModelForCausalLM.from_config(config, attn_implementation="eager", dtype=torch.float32)
    fill(made)
    with tempfile.TemporaryDirectory() as place:
        made.to(torch.bfloat16).save_pretrained(place)
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
        for file in ["config.json", "model.safetensors"]:
            shutil.copyfile(os.path.join(place, file), os.path.join(folder, file))
    with open(os.path.join(folder, "tokenizer.json"), "w") as file:
        json.dump(tokenizer(), file, separators=(",", ":"))
        file.write("\n")
    model = transformers.AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float32, attn_implementation="eager"
    ).eval()
    tokens = torch.randint(3, VOCAB, (TOKENS,), generator=torch.Generator().manual_seed(7))
    tensors = {"tokens": tokens.int()}
    with torch.no_grad():
        tensors["logits"] = model(tokens[None]).logits[0].contiguous()
        if name in SHORT_TOKENS:
            tensors["short_logits"] = model(tokens[None, : SHORT_TOKENS[name]]).logits[0].contiguous()
    save_file(tensors, os.path.join(folder, "golden.safetensors"))
    logits = tensors["logits"]
    size = sum(os.path.getsize(os.path.join(folder, file)) for file in os.listdir(folder))
    print(f"{name}: {size} bytes, logits vary by {logits.std(-1).mean():.3f}, along tokens by {logits.std(0).mean():.3f}")


if __name__ == "__main__":
    torch.set_num_threads(1)
    for name in sys.argv[1:] or CONFIGS:
        write(name, CONFIGS[name])
