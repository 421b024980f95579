"""Trains tinyworld: a tokenizer, then a Llama of 3.4 million parameters, on text from generator.ts.

    deno run -A models/tinyworld/make_text.ts train text
    python models/tinyworld/train.py --text text/train.jsonl --out models/tinyworld

Needs torch, tokenizers, safetensors and numpy. Everything is seeded; on the same machine kind the same
command gives the same weights.
"""

import argparse
import json
import math
import os
import time

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

BOS, EOS = 0, 1
CONFIG = {
    "architectures": ["LlamaForCausalLM"],
    "attention_bias": False,
    "attention_dropout": 0.0,
    "bos_token_id": BOS,
    "eos_token_id": EOS,
    "head_dim": 32,
    "hidden_act": "silu",
    "hidden_size": 256,
    "initializer_range": 0.02,
    "intermediate_size": 768,
    "max_position_embeddings": 512,
    "mlp_bias": False,
    "model_type": "llama",
    "num_attention_heads": 8,
    "num_hidden_layers": 4,
    "num_key_value_heads": 4,
    "rms_norm_eps": 1e-05,
    "rope_scaling": None,
    "rope_theta": 10000.0,
    "tie_word_embeddings": True,
    "torch_dtype": "bfloat16",
    "use_cache": True,
    "vocab_size": 1024,
}


def train_tokenizer(texts, folder):
    """Byte-level BPE whose digits stand alone, so that sums can be learnt; BOS goes in front by itself."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(
        texts,
        trainers.BpeTrainer(
            vocab_size=CONFIG["vocab_size"],
            special_tokens=["<|bos|>", "<|eos|>"],
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<|bos|> $A", pair="<|bos|> $A <|bos|> $B", special_tokens=[("<|bos|>", BOS)]
    )
    tokenizer.save(f"{folder}/tokenizer.json")
    write_json(
        f"{folder}/tokenizer_config.json",
        {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "bos_token": "<|bos|>",
            "eos_token": "<|eos|>",
            "model_max_length": CONFIG["max_position_embeddings"],
            "clean_up_tokenization_spaces": False,
        },
    )
    return tokenizer


class Layer(torch.nn.Module):
    """One decoder layer, with the parameter names of the Hugging Face layout."""

    def __init__(self, c):
        super().__init__()
        linear = lambda i, o: torch.nn.Linear(i, o, bias=False)  # noqa: E731
        d, kv = c["hidden_size"], c["num_key_value_heads"] * c["head_dim"]
        self.self_attn = torch.nn.ModuleDict(
            {"q_proj": linear(d, d), "k_proj": linear(d, kv), "v_proj": linear(d, kv), "o_proj": linear(d, d)}
        )
        f = c["intermediate_size"]
        self.mlp = torch.nn.ModuleDict({"gate_proj": linear(d, f), "up_proj": linear(d, f), "down_proj": linear(f, d)})
        self.input_layernorm = torch.nn.RMSNorm(d, c["rms_norm_eps"])
        self.post_attention_layernorm = torch.nn.RMSNorm(d, c["rms_norm_eps"])
        self.heads, self.kv_heads, self.head_dim = c["num_attention_heads"], c["num_key_value_heads"], c["head_dim"]

    def forward(self, x, cos, sin):  # x: (B, T, D)
        B, T, _ = x.shape
        a, h = self.self_attn, self.input_layernorm(x)
        q = a["q_proj"](h).view(B, T, self.heads, self.head_dim).transpose(1, 2)  # (B, H, T, hd)
        k = a["k_proj"](h).view(B, T, self.kv_heads, self.head_dim).transpose(1, 2)  # (B, KV, T, hd)
        v = a["v_proj"](h).view(B, T, self.kv_heads, self.head_dim).transpose(1, 2)
        q, k = rotate(q, cos, sin), rotate(k, cos, sin)
        repeat = self.heads // self.kv_heads
        k, v = k.repeat_interleave(repeat, 1), v.repeat_interleave(repeat, 1)
        y = attention(q, k, v)
        x = x + a["o_proj"](y.transpose(1, 2).reshape(B, T, -1))
        h = self.post_attention_layernorm(x)
        m = self.mlp
        return x + m["down_proj"](F.silu(m["gate_proj"](h)) * m["up_proj"](h))


def attention(q, k, v, rows=128):
    """Causal attention, some rows of queries at a time: what they may not see is left out, not masked.

    PyTorch's own kernel takes half of a training step on a CPU when heads are as narrow as these, this a fifth.
    """
    out = []
    hidden = torch.full((rows, rows), -math.inf, device=q.device).triu(1)
    for start in range(0, q.shape[2], rows):
        end = min(start + rows, q.shape[2])
        scores = q[:, :, start:end] @ k[:, :, :end].transpose(-1, -2) * q.shape[-1] ** -0.5
        scores = scores.float() + F.pad(hidden[: end - start, : end - start], (start, 0))
        out.append(scores.softmax(-1).to(v.dtype) @ v[:, :, :end])
    return torch.cat(out, 2)


def rotate(x, cos, sin):
    """Rotary position embedding; the two halves of a head form the pairs."""
    a, b = x.chunk(2, -1)
    return torch.cat([a * cos - b * sin, b * cos + a * sin], -1)


class Llama(torch.nn.Module):
    """The whole model; its state dict prefixed with "model." is the Hugging Face checkpoint."""

    def __init__(self, c):
        super().__init__()
        self.embed_tokens = torch.nn.Embedding(c["vocab_size"], c["hidden_size"])
        self.layers = torch.nn.ModuleList(Layer(c) for _ in range(c["num_hidden_layers"]))
        self.norm = torch.nn.RMSNorm(c["hidden_size"], c["rms_norm_eps"])
        half = c["head_dim"] // 2
        speed = c["rope_theta"] ** (-torch.arange(half, dtype=torch.float32) / half)
        angle = torch.arange(c["max_position_embeddings"])[:, None] * speed  # (T, hd/2)
        self.register_buffer("cos", angle.cos(), persistent=False)
        self.register_buffer("sin", angle.sin(), persistent=False)
        # The usual GPT start: small weights, and smaller where a branch ends in the residual stream.
        for name, p in self.named_parameters():
            if p.dim() == 2:
                end = name.endswith(("o_proj.weight", "down_proj.weight"))
                torch.nn.init.normal_(p, std=0.02 / (math.sqrt(2 * c["num_hidden_layers"]) if end else 1))

    def forward(self, ids, targets):  # ids, targets: (B, T)
        x = self.embed_tokens(ids)
        cos, sin = self.cos[: ids.shape[1]].to(x.dtype), self.sin[: ids.shape[1]].to(x.dtype)
        for layer in self.layers:
            x = layer(x, cos, sin)
        logits = F.linear(self.norm(x), self.embed_tokens.weight)  # (B, T, V), tied
        return F.cross_entropy(logits.float().view(-1, logits.shape[-1]), targets.reshape(-1))


def pack(texts, tokenizer, cache):
    """All documents in one row of ids, each between BOS and EOS."""
    if os.path.exists(cache):
        return np.load(cache)
    parts = []
    for i in range(0, len(texts), 10000):
        for encoding in tokenizer.encode_batch(texts[i : i + 10000]):
            parts.append(np.array(encoding.ids + [EOS], dtype=np.uint16))
    ids = np.concatenate(parts)
    np.save(cache, ids)
    return ids


def save(model, folder):
    """Writes the checkpoint in BF16 and the files around it."""
    tensors = {f"model.{k}": v.detach().to(torch.bfloat16).contiguous() for k, v in model.state_dict().items()}
    save_file(tensors, f"{folder}/model.safetensors.part", metadata={"format": "pt"})
    os.replace(f"{folder}/model.safetensors.part", f"{folder}/model.safetensors")
    write_json(f"{folder}/config.json", CONFIG)
    write_json(f"{folder}/generation_config.json", {"bos_token_id": BOS, "eos_token_id": EOS})


def write_json(path, value):
    with open(path, "w") as file:
        json.dump(value, file, indent=2)
        file.write("\n")


def write_log(path, log, args):
    """The loss curve, a column an array: short to store and easy to plot."""
    columns = {key: [entry[key] for entry in log] for key in log[0]}
    text = ",\n  ".join(f'"{key}": {json.dumps(column)}' for key, column in columns.items())
    with open(path, "w") as file:
        file.write(f'{{\n  "batchTokens": {args.batch * CONFIG["max_position_embeddings"]},\n  {text}\n}}\n')


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--text", required=True, help="train.jsonl from make_text.ts")
    args.add_argument("--out", required=True, help="folder for the model")
    args.add_argument("--steps", type=int, default=6000)
    args.add_argument("--batch", type=int, default=8, help="sequences of 512 tokens a step")
    args.add_argument("--lr", type=float, default=3e-3)
    args.add_argument("--decay", type=float, default=0.1, help="weight decay of the matrices")
    args.add_argument("--warmup", type=int, default=200)
    args.add_argument("--seed", type=int, default=1)
    args.add_argument("--threads", type=int, default=2)
    args.add_argument("--bf16", action="store_true", help="multiply in bfloat16, keep weights in float32")
    args.add_argument("--stop-after", type=int, default=0, help="stop early after this many steps, to measure speed")
    args = args.parse_args()

    torch.manual_seed(args.seed)
    torch.set_num_threads(args.threads)
    os.makedirs(args.out, exist_ok=True)
    with open(args.text) as file:
        texts = [json.loads(line)["text"] for line in file]
    tokenizer_path = f"{args.out}/tokenizer.json"
    fresh = not os.path.exists(tokenizer_path)
    tokenizer = train_tokenizer(texts[:20000], args.out) if fresh else Tokenizer.from_file(tokenizer_path)
    ids = pack(texts, tokenizer, os.path.splitext(args.text)[0] + ".npy")
    T = CONFIG["max_position_embeddings"]
    rows = (len(ids) - 1) // T
    need = args.steps * args.batch
    order = np.random.default_rng(args.seed).permutation(rows)
    print(f"{len(ids):,} tokens, {rows:,} rows, {need:,} wanted ({need / rows:.2f} epochs)", flush=True)

    model = Llama(CONFIG)
    matrices = [p for p in model.parameters() if p.dim() == 2]
    vectors = [p for p in model.parameters() if p.dim() == 1]
    optimizer = torch.optim.AdamW(
        [{"params": matrices, "weight_decay": args.decay}, {"params": vectors, "weight_decay": 0.0}],
        lr=args.lr, betas=(0.9, 0.95), eps=1e-8, fused=True,
    )

    def rate(step):  # linear warm-up, then a cosine to nearly nothing
        if step < args.warmup:
            return (step + 1) / args.warmup
        done = (step - args.warmup) / max(1, args.steps - args.warmup)
        return 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * done))

    state = f"{args.out}/state.pt"
    first, log, earlier = 0, [], 0.0
    if os.path.exists(state):  # a killed run goes on where it was saved
        saved = torch.load(state)
        model.load_state_dict(saved["model"])
        optimizer.load_state_dict(saved["optimizer"])
        first, log, earlier = saved["step"], saved["log"], saved["seconds"]
        print(f"goes on after step {first}", flush=True)
    compiled = torch.compile(model)  # a third faster on a CPU
    window, start = [], time.time() - earlier
    for step in range(first, args.steps):
        picked = [int(order[(step * args.batch + i) % rows]) * T for i in range(args.batch)]
        batch = torch.from_numpy(np.stack([ids[p : p + T + 1] for p in picked]).astype(np.int64))
        for group in optimizer.param_groups:
            group["lr"] = args.lr * rate(step)
        with torch.autocast("cpu", torch.bfloat16, enabled=args.bf16):
            loss = compiled(batch[:, :-1], batch[:, 1:])
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        window.append(loss.item())
        last = step + 1 == args.steps
        if (step + 1) % 20 == 0 or last or step == 0:
            tokens, seconds = (step + 1) * args.batch * T, time.time() - start
            log.append({"step": step + 1, "tokens": tokens, "loss": round(sum(window) / len(window), 4), "seconds": round(seconds)})
            window = []
            print(log[-1], f"{tokens / seconds:.0f} tokens/s", flush=True)
        if args.stop_after and step + 1 >= args.stop_after:
            return
        if (step + 1) % 200 == 0 or last:
            save(model, args.out)
            write_log(f"{args.out}/loss.json", log, args)
            torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "step": step + 1, "log": log,
                        "seconds": time.time() - start}, state + ".part")
            os.replace(state + ".part", state)


if __name__ == "__main__":
    main()
