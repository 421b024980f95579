"""
Writes tests/golden/parity.json: what published code of GPTQ and AWQ makes of matrices.

    pip install --no-deps llmcompressor==0.14.0.1 compressed-tensors==0.20.0 loguru==0.7.3 autoawq==0.2.9
    ANY4_DATA=... python tests/golden/make_parity.py

Needs torch and transformers too. GPTQ is llm-compressor's `quantize_weight`, AWQ's search AutoAWQ's `_compute_best_scale`, which
follows llm-awq; both run as they are published. Their packages import much that is not needed: of the first, only the modules in
question are loaded, of the second only the functions.

Matrices are made by a formula; with ANY4_DATA, GPT-2's own too. Codes are symmetric integers with scales of groups, so that both
sides mean the same by them.
"""

import ast
import importlib.util
import json
import os
import sys
import types
from pathlib import Path
from typing import Dict, List

import numpy as np
import torch
from lcg import Lcg

torch.set_num_threads(1)
SEED, ROWS, COLS, TOKENS, GROUP = 29, 64, 256, 512, 64
GPT2_ROWS, GPT2_TOKENS, GPT2_GROUP = 128, 1024, 128
GPT2 = ["h.0.attn.q_proj", "h.11.attn.o_proj"]


def published_gptq():
    """llm-compressor's function, without what its packages import beside."""
    root = Path(importlib.util.find_spec("llmcompressor").submodule_search_locations[0])
    for name in ["llmcompressor", "llmcompressor.modifiers", "llmcompressor.modifiers.gptq"]:
        module = types.ModuleType(name)
        module.__path__ = [str(root.joinpath(*name.split(".")[1:]))]
        sys.modules[name] = module
    from llmcompressor.modifiers.gptq.gptq_quantize import quantize_weight

    return quantize_weight


def published_awq():
    """AutoAWQ's quantizer with the methods of its search."""
    path = Path(importlib.util.find_spec("awq").submodule_search_locations[0]) / "quantize" / "quantizer.py"
    wanted = ["pseudo_quantize_tensor", "_compute_best_scale", "_compute_loss", "_module_forward"]
    quantizer = next(node for node in ast.parse(path.read_text()).body if getattr(node, "name", "") == "AwqQuantizer")
    functions = [node for node in quantizer.body if getattr(node, "name", "") in wanted]
    scope = {"torch": torch, "nn": torch.nn, "Dict": Dict, "List": List, "logging": None}
    exec(compile(ast.Module(body=functions, type_ignores=[]), str(path), "exec"), scope)
    return type("Quantizer", (), {name: scope[name] for name in wanted})


def inputs(lcg, cols, tokens):
    """float32 inputs whose neighbouring columns go together."""
    draws = lcg.bell(tokens * cols).astype(np.float64).reshape(tokens, cols)
    factors = lcg.weights(cols).astype(np.float64)
    x = np.array(draws)
    for c in range(1, cols):
        x[:, c] = 0.75 * x[:, c - 1] + draws[:, c]
    return (x * factors).astype(np.float32)


def error(weights, after, gram):
    """The squared error of the output, as a part of its square."""
    d, w = (np.asarray(m, np.float64) for m in (after - weights, weights))
    return float(((d @ gram) * d).sum() / ((w @ gram) * w).sum())


def gptq_case(quantize_weight, weights, gram, bits, group, act_order):
    from compressed_tensors.quantization import QuantizationArgs, fake_quantize

    args = QuantizationArgs(
        num_bits=bits, type="int", symmetric=True, strategy="group", group_size=group,
        actorder="static" if act_order else None,
    )
    w = torch.from_numpy(weights)
    scale = w.reshape(len(w), -1, group).abs().amax(-1) / (2 ** (bits - 1) - 1)
    zero = torch.zeros_like(scale)
    rounded = fake_quantize(w, scale, zero, args)
    found, _, fallback = quantize_weight(
        w.clone()[None], torch.from_numpy(gram.astype(np.float32))[None], scale[None], zero[None], None, args,
    )
    assert not fallback.any()
    return {
        "bits": bits, "actOrder": act_order,
        "rounded": error(weights, rounded.numpy(), gram), "error": error(weights, found[0].numpy(), gram),
    }


def gptq_cases(quantize_weight, weights, gram, group):
    return [
        gptq_case(quantize_weight, weights, gram, bits, group, act_order)
        for bits in (4, 3, 2) for act_order in (False, True)
    ]


def awq_case(Quantizer, weights, x, bits, group):
    quantizer = Quantizer()
    quantizer.group_size, quantizer.w_bit, quantizer.zero_point = group, bits, False
    quantizer.duo_scaling, quantizer.n_parallel_calib_samples = False, None
    quantizer.max_chunk_memory = 2**30
    linear = torch.nn.Linear(weights.shape[1], weights.shape[0], bias=False)
    linear.weight.data = torch.from_numpy(weights.copy())
    x = torch.from_numpy(x)
    with torch.no_grad():
        means = x.abs().mean(0)
        scales = quantizer._compute_best_scale(x, torch.ones_like(means), means, linear, [linear], linear(x))
    return {"bits": bits, "scales": [float(v) for v in scales]}


def main():
    quantize_weight, Quantizer = published_gptq(), published_awq()
    lcg = Lcg(SEED)
    weights = lcg.heavy_tailed(ROWS * COLS).reshape(ROWS, COLS)
    x = inputs(lcg, COLS, TOKENS)
    gram = x.astype(np.float64).T @ x.astype(np.float64) / TOKENS
    golden = {
        "seed": SEED, "rows": ROWS, "cols": COLS, "tokens": TOKENS, "groupSize": GROUP,
        "gptq": gptq_cases(quantize_weight, weights, gram, GROUP),
        "awq": [awq_case(Quantizer, weights, x, bits, GROUP) for bits in (4, 3, 2)],
        "gpt2": {"seed": SEED, "rows": GPT2_ROWS, "tokens": GPT2_TOKENS, "groupSize": GPT2_GROUP, "matrices": {}},
    }
    data = os.environ.get("ANY4_DATA")
    if data:
        from safetensors.numpy import load_file

        matrices = load_file(f"{data}/matrices/gpt2-small-attention.safetensors")
        for name in GPT2:
            key = next(key for key in matrices if key.startswith(name))
            w = np.ascontiguousarray(matrices[key][:GPT2_ROWS], np.float32)
            x = inputs(Lcg(SEED), w.shape[1], GPT2_TOKENS)
            gram = x.astype(np.float64).T @ x.astype(np.float64) / GPT2_TOKENS
            golden["gpt2"]["matrices"][key] = gptq_cases(quantize_weight, w, gram, GPT2_GROUP)
    Path(__file__).with_name("parity.json").write_text(json.dumps(golden) + "\n")


main()
