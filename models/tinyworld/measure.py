"""Measures tinyworld on eval.json with transformers in float32, and draws its loss curve.

    python models/tinyworld/measure.py --model models/tinyworld

Prints a Markdown table of perplexity per kind beside the generator's own entropy, a few continuations, and
writes loss.svg from loss.json. Needs torch and transformers.
"""

import argparse
import json
import math
import os

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

HERE = os.path.dirname(os.path.abspath(__file__))
PROMPTS = [
    "Once upon a time, a curious girl named",
    "Sadby, Monday. The price of",
    "# Reverse the list.\ndef",
    "Agnes found 58 feathers on Monday and 67 feathers on Tuesday.",
    "Question: What is the capital of Yernvia?\nAnswer:",
]


def perplexities(model, tokenizer, text):
    """Per kind and in all: perplexity, the generator's floor and the number of predicted tokens."""
    rows, all_loss, all_nats, all_tokens = {}, 0.0, 0.0, 0
    for kind, documents in text["documents"].items():
        loss, tokens = 0.0, 0
        for document in documents:
            ids = torch.tensor([tokenizer(document).input_ids + [tokenizer.eos_token_id]])
            assert ids[0, 0] == tokenizer.bos_token_id and ids.shape[1] <= 512
            with torch.no_grad():
                logits = model(ids).logits[0, :-1]
            loss += torch.nn.functional.cross_entropy(logits, ids[0, 1:], reduction="sum").item()
            tokens += ids.shape[1] - 1
        nats = text["nats"][kind]
        rows[kind] = (len(documents), tokens, math.exp(loss / tokens), math.exp(nats / tokens), loss / nats)
        all_loss, all_nats, all_tokens = all_loss + loss, all_nats + nats, all_tokens + tokens
    count = sum(len(documents) for documents in text["documents"].values())
    mean = (count, all_tokens, math.exp(all_loss / all_tokens), math.exp(all_nats / all_tokens), all_loss / all_nats)
    return rows | {"all": mean}


def draw(log, held_out, path):
    """The training loss over millions of tokens, and what the held-out text costs and must cost; logarithmic."""
    width, height, left, right, top, bottom = 720, 380, 64, 24, 48, 52
    tokens, losses = [n / 1e6 for n in log["tokens"]], log["loss"]
    last = tokens[-1]
    low, high = 0.4, 8
    x = lambda millions: left + millions / last * (width - left - right)  # noqa: E731
    y = lambda loss: top + math.log(high / loss) / math.log(high / low) * (height - top - bottom)  # noqa: E731
    grid = []
    for loss in (0.5, 1, 2, 4, 8):
        grid.append(f'<line x1="{left}" x2="{width - right}" y1="{y(loss):.1f}" y2="{y(loss):.1f}"/>')
        grid.append(f'<text x="{left - 10}" y="{y(loss) + 4:.1f}" text-anchor="end">{loss:g}</text>')
    for millions in range(0, math.floor(last) + 1, 2):
        grid.append(f'<text x="{x(millions):.1f}" y="{height - bottom + 20}" text-anchor="middle">{millions}</text>')
    lines = []
    for name, loss in held_out.items():
        lines.append(f'<line x1="{left}" x2="{width - right}" y1="{y(loss):.1f}" y2="{y(loss):.1f}" stroke-width="1.5" stroke-dasharray="5 4"/>')
        lines.append(f'<text stroke="none" x="{left + 8}" y="{y(loss) - 6:.1f}">{name}: {loss:.3f}</text>')
    points = " ".join(f"{x(n):.1f},{y(loss):.1f}" for n, loss in zip(tokens, losses))
    final = sum(losses[-5:]) / 5
    svg = f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" font-family="system-ui, Helvetica, Arial, sans-serif" font-size="12">
<title>Training loss of tinyworld</title>
<rect width="100%" height="100%" fill="#ffffff"/>
<text x="{left}" y="26" font-size="15" font-weight="600" fill="#1f2933">Training loss of tinyworld</text>
<g stroke="#e4e7eb" fill="#616e7c">
{chr(10).join(grid).replace("<text", '<text stroke="none"')}
</g>
<line x1="{left}" x2="{width - right}" y1="{height - bottom}" y2="{height - bottom}" stroke="#9aa5b1"/>
<g stroke="#b45309" fill="#b45309">
{chr(10).join(lines)}
</g>
<polyline points="{points}" fill="none" stroke="#2563eb" stroke-width="2" stroke-linejoin="round"/>
<circle cx="{x(last):.1f}" cy="{y(losses[-1]):.1f}" r="4" fill="#2563eb" stroke="#ffffff" stroke-width="1.5"/>
<text x="{x(last) - 4:.1f}" y="{y(losses[-1]) - 12:.1f}" text-anchor="end" font-weight="600" fill="#2563eb">{final:.3f}</text>
<text x="{left + (width - left - right) / 2}" y="{height - 12}" text-anchor="middle" fill="#3e4c59">million tokens</text>
<text transform="translate(18 {top + (height - top - bottom) / 2}) rotate(-90)" text-anchor="middle" fill="#3e4c59">loss per token (nats, logarithmic)</text>
</svg>
"""
    with open(path, "w") as file:
        file.write(svg)


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--model", default=HERE)
    args.add_argument("--loss", default=f"{HERE}/loss.svg", help="where to draw the loss curve")
    args = args.parse_args()
    torch.set_num_threads(2)

    with open(f"{HERE}/eval.json") as file:
        text = json.load(file)
    tokenizer = AutoTokenizer.from_pretrained(args.model)
    model = AutoModelForCausalLM.from_pretrained(args.model, dtype=torch.float32).eval()

    rows = perplexities(model, tokenizer, text)
    print("| kind | documents | tokens | perplexity | floor | nats paid / nats needed |\n|---|---|---|---|---|---|")
    for kind, (count, tokens, perplexity, floor, ratio) in rows.items():
        print(f"| {kind} | {count} | {tokens} | {perplexity:.4f} | {floor:.4f} | {ratio:.3f} |")
    with open(f"{args.model}/loss.json") as file:
        held_out = {"loss on the held-out text": rows["all"][2], "entropy of the held-out text": rows["all"][3]}
        draw(json.load(file), {name: math.log(value) for name, value in held_out.items()}, args.loss)
    for prompt in PROMPTS:
        ids = tokenizer(prompt, return_tensors="pt").input_ids
        out = model.generate(ids, max_new_tokens=120, do_sample=False)
        print("\n---\n" + tokenizer.decode(out[0], skip_special_tokens=True))


if __name__ == "__main__":
    main()
