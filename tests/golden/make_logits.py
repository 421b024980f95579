"""Writes the numbers that our own decoder and tokenizer are held against.

    python tests/golden/make_logits.py
    python tests/golden/make_logits.py --stories FOLDER    # also for stories260K, whose weights are not in the project

Runs transformers in float32 on the stored weights (BF16 for tinyworld), greedily and without cache tricks, and
writes tests/golden/NAME-logits.json:

    tokens        fixed ids, BOS first
    rows, logits  positions of `tokens`, and the full logits there (float32)
    prompt, greedy  ids of a prompt, and of the 32 ids that follow it greedily
    strings       mixed strings with their ids (BOS first)
"""

import argparse
import json
import os

import torch
from tokenizers import Tokenizer
from transformers import AutoModelForCausalLM

HERE = os.path.dirname(os.path.abspath(__file__))
TINYWORLD = os.path.join(HERE, "..", "..", "models", "tinyworld")
PROMPT = "Once upon a time, a"
TEXT = "Once upon a time, a curious girl named Mia lived in a small village by the sea. One day she found a red kite near the old bridge. She was very happy."
ROWS = [0, 7, 30, 47]
STRINGS = [
    "Hello, world!",
    "Once upon a time",
    " leading space",
    "trailing space ",
    "two  spaces   three",
    "line one\nline two\n\nline four",
    "\ttab",
    "12 + 345 = 357",
    "3.14159 and 1,000,000",
    "def add(a, b):\n    return a + b",
    "print(count_even([1, 2, 3]))  # 1",
    "don't can't she'll we've I'm",
    "What?! \"Quoted,\" he said (softly).",
    "naïve café, Füße, São Paulo",
    "日本語と한국어",
    "emoji 🙂🚀 and symbols ≤ ≠ €",
    "CamelCase snake_case kebab-case",
    "Question: What is the capital of Yernvia?\nAnswer:",
    "a",
    "",
]


def golden(folder, name):
    tokenizer = Tokenizer.from_file(os.path.join(folder, "tokenizer.json"))
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    bos = model.config.bos_token_id

    def encode(text):
        ids = tokenizer.encode(text).ids
        return ids if ids[:1] == [bos] else [bos] + ids

    tokens = (encode(TEXT) * 2)[:48]
    prompt = encode(PROMPT)
    with torch.no_grad():
        logits = model(torch.tensor([tokens])).logits[0]
        ids, margin = list(prompt), float("inf")
        for _ in range(32):
            top = model(torch.tensor([ids])).logits[0, -1].topk(2)
            margin = min(margin, (top.values[0] - top.values[1]).item())
            ids.append(top.indices[0].item())
    value = {
        "tokens": tokens,
        "rows": ROWS,
        "logits": [[float(f"{v:.8g}") for v in logits[row].tolist()] for row in ROWS],
        "prompt": prompt,
        "greedy": ids[len(prompt) :],
        "greedyMargin": round(margin, 4),
        "strings": [{"text": text, "ids": encode(text)} for text in STRINGS],
    }
    with open(os.path.join(HERE, f"{name}-logits.json"), "w") as file:
        json.dump(value, file, separators=(",", ":"))
        file.write("\n")
    print(f"{name}: greedy margin {margin:.4f}: {tokenizer.decode(ids)!r}")


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--model", default=TINYWORLD)
    args.add_argument("--stories", help="folder of stories260K in Hugging Face layout")
    args = args.parse_args()
    torch.set_num_threads(2)
    golden(args.model, "tinyworld")
    if args.stories:
        golden(args.stories, "stories260K")


if __name__ == "__main__":
    main()
