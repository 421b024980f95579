"""
Writes tests/golden/gguf/: small GGUF files by llama.cpp's own Python package, and what it and transformers have for
them.

    python tests/golden/make_gguf.py

tensors.gguf has one tensor of every type that is read, of random blocks where the package cannot quantize; tensors.json
has their values by its dequantize(). llama.gguf and qwen2.gguf are tiny random models with tokenizers; models.json has
the logits of a few tokens and the token ids of some texts by transformers, which reads the files on its own.
Needs gguf, torch, transformers.
"""

import json
from base64 import b64encode
from pathlib import Path

import gguf
import numpy as np
import torch
from gguf import GGMLQuantizationType as Type
from lcg import Lcg
from transformers import AutoModelForCausalLM, AutoTokenizer

FOLDER = Path(__file__).with_name("gguf")
FOLDER.mkdir(exist_ok=True)

SIMPLE = [Type.F32, Type.F16, Type.BF16, Type.Q8_0, Type.Q4_0, Type.Q4_1, Type.Q5_0, Type.Q5_1]
# Where half-precision numbers lie in a block: random bits would be infinities now and then.
HALVES = {
    Type.Q2_K: [80, 82],
    Type.Q3_K: [108],
    Type.Q4_K: [0, 2],
    Type.Q5_K: [0, 2],
    Type.Q6_K: [208],
    Type.IQ4_NL: [0],
    Type.IQ4_XS: [0],
    Type.TQ1_0: [52],
    Type.TQ2_0: [64],
    Type.MXFP4: [],
}


def bytes_of(lcg: Lcg, count: int) -> np.ndarray:
    return np.array([int(lcg.next() * 256) for _ in range(count)], np.uint8)


def tensors() -> None:
    writer = gguf.GGUFWriter(str(FOLDER / "tensors.gguf"), "llama")
    golden = {}
    for i, type in enumerate(SIMPLE + list(HALVES)):
        lcg = Lcg(20 + i)
        block, size = gguf.GGML_QUANT_SIZES[type]
        if type in HALVES:
            data = bytes_of(lcg, 2 * size).reshape(2, size)
            for at in HALVES[type]:
                data[:, at : at + 2] = np.array([[0.01], [-0.02]], np.float16).view(np.uint8)
            if type == Type.MXFP4:
                # Powers of 2, one of them below what float32 has of full precision.
                data[:, 0] = [120, 1]
            values = gguf.quants.dequantize(data, type)
            writer.add_tensor(type.name, data, raw_dtype=type)
        else:
            matrix = lcg.heavy_tailed(2 * 96).reshape(2, 96)
            data = gguf.quants.quantize(matrix, type)
            values = gguf.quants.dequantize(data, type)
            writer.add_tensor(type.name, data, raw_dtype=type)
        golden[type.name] = {"shape": list(values.shape), "values": b64encode(values.astype("<f4").tobytes()).decode()}
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    text = {"made_by": "make_gguf.py, gguf", "tensors": golden}
    (FOLDER / "tensors.json").write_text(json.dumps(text) + "\n")


HIDDEN, MLP, LAYERS, HEADS, KV_HEADS = 32, 64, 2, 4, 2


def permute(weights: np.ndarray, heads: int) -> np.ndarray:
    """Rows of a head from halves to neighbours, as llama.cpp's conversion has them."""
    shape = weights.shape
    return weights.reshape(heads, 2, shape[0] // heads // 2, *shape[1:]).swapaxes(1, 2).reshape(shape)


def model(arch: str, tokens: int, add_vocabulary) -> None:
    writer = gguf.GGUFWriter(str(FOLDER / f"{arch}.gguf"), arch)
    writer.add_context_length(64)
    writer.add_embedding_length(HIDDEN)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(MLP)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_freq_base(10000.0)
    writer.add_rope_dimension_count(HIDDEN // HEADS)
    writer.add_vocab_size(tokens)
    add_vocabulary(writer)
    lcg = Lcg(5)

    def add(name: str, rows: int, cols: int = 0, type: Type = Type.F16) -> None:
        count = rows * max(cols, 1)
        values = lcg.bell(count) * (0.3 if cols else 0.1) + (0 if cols or name.endswith("bias") else 1)
        matrix = values.astype(np.float32).reshape(*((rows, cols) if cols else (rows,)))
        if arch == "llama" and ("attn_q." in name or "attn_k." in name):
            matrix = permute(matrix, HEADS if "attn_q." in name else KV_HEADS)
        type = type if cols else Type.F32
        writer.add_tensor(name, gguf.quants.quantize(matrix, type), raw_dtype=type)

    kv = HIDDEN // HEADS * KV_HEADS
    add("token_embd.weight", tokens, HIDDEN, Type.Q8_0)
    for i in range(LAYERS):
        for name, rows, cols in [
            ("attn_q", HIDDEN, HIDDEN),
            ("attn_k", kv, HIDDEN),
            ("attn_v", kv, HIDDEN),
            ("attn_output", HIDDEN, HIDDEN),
            ("ffn_gate", MLP, HIDDEN),
            ("ffn_up", MLP, HIDDEN),
            ("ffn_down", HIDDEN, MLP),
        ]:
            # Rows of quantized blocks are turned as a whole.
            add(f"blk.{i}.{name}.weight", rows, cols, Type.Q5_1 if i and name.startswith("attn") else Type.F16)
            if arch == "qwen2" and name in ("attn_q", "attn_k", "attn_v"):
                add(f"blk.{i}.{name}.bias", rows)
        add(f"blk.{i}.attn_norm.weight", HIDDEN)
        add(f"blk.{i}.ffn_norm.weight", HIDDEN)
    add("output_norm.weight", HIDDEN)
    if arch == "llama":
        add("output.weight", tokens, HIDDEN, Type.Q8_0)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


WORDS = "the and king said once upon a time there was little ing ed er on in he wh th".split()


def pieces() -> list:
    """What WORDS are built of, shortest first, so that each has a way to be merged."""
    found = dict.fromkeys(letter for letter in "▁abcdefghijklmnopqrstuvwxyz.,ABTé")
    for word in WORDS:
        for text in (word, "▁" + word):
            for end in range(2, len(text) + 1):
                found[text[:end]] = None
    return sorted(found, key=len)


def sentence_piece(writer: gguf.GGUFWriter) -> None:
    tokens = ["<unk>", "<s>", "</s>"] + [f"<0x{byte:02X}>" for byte in range(256)] + pieces()
    kinds = [2, 3, 3] + [6] * 256 + [1] * (len(tokens) - 259)
    scores = [0.0] * 259 + [-float(i) for i in range(len(tokens) - 259)]
    writer.add_tokenizer_model("llama")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(tokens)
    writer.add_token_scores(scores)
    writer.add_token_types(kinds)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    writer.add_chat_template("{% for m in messages %}[{{ m.role }}] {{ m.content }}\n{% endfor %}")


def byte_characters() -> list:
    """GPT-2's printable stand-ins for bytes."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in plain]
    names = {byte: chr(byte) for byte in plain} | {byte: chr(256 + i) for i, byte in enumerate(others)}
    return [names[byte] for byte in range(256)]


def byte_level(writer: gguf.GGUFWriter) -> None:
    tokens = byte_characters()
    merges = []
    for word in WORDS:
        for text in (word, "Ġ" + word):
            for end in range(2, len(text) + 1):
                if text[:end] not in tokens:
                    tokens.append(text[:end])
                    merges.append(f"{text[:end - 1]} {text[end - 1]}")
    kinds = [1] * len(tokens) + [3, 3]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(tokens + ["<|endoftext|>", "<|im_end|>"])
    writer.add_token_merges(merges)
    writer.add_token_types(kinds)
    writer.add_eos_token_id(len(tokens) + 1)
    writer.add_pad_token_id(len(tokens))


# None begins with a space, nor goes on behind a special token: transformers 5 then leaves out the space that
# SentencePiece and llama.cpp put before it.
TEXTS = [
    "Once upon a time there was a little king.",
    "two  spaces, a\nnew line\t\tand tabs \n\n",
    "café 你好 🦕 naïve",
    "The king's 12345 and 3.14; don't THE",
    "and in a text<|im_end|></s>",
]

if __name__ == "__main__":
    tensors()
    golden = {}
    for arch, vocabulary, count in [("llama", sentence_piece, 259 + len(pieces())), ("qwen2", byte_level, None)]:
        if count is None:
            probe = []
            byte_level(type("Probe", (), {"__getattr__": lambda _, name: lambda *a: probe.append((name, a))})())
            count = len(dict(probe)["add_token_list"][0])
        model(arch, count, vocabulary)
        loaded = AutoModelForCausalLM.from_pretrained(FOLDER, gguf_file=f"{arch}.gguf", dtype=torch.float32).eval()
        tokenizer = AutoTokenizer.from_pretrained(FOLDER, gguf_file=f"{arch}.gguf")
        ids = [1, 70, 200, 259, 262, 5]
        with torch.no_grad():
            logits = loaded(torch.tensor([ids])).logits[0]
        golden[arch] = {
            "ids": ids,
            "logits": b64encode(logits.numpy().astype("<f4").tobytes()).decode(),
            "weights": {
                name: b64encode(tensor.numpy().astype("<f4").tobytes()).decode()
                for name, tensor in loaded.state_dict().items()
                if name.endswith(("1.self_attn.q_proj.weight", "0.self_attn.k_proj.weight", "1.self_attn.k_proj.bias"))
            },
            "texts": {text: tokenizer(text).input_ids for text in TEXTS},
        }
    text = {"made_by": "make_gguf.py, gguf, transformers", "models": golden}
    (FOLDER / "models.json").write_text(json.dumps(text) + "\n")
