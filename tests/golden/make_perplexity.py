"""Perplexity by GPTQ's recipe, with transformers: windows of `context` ids of one text, the tail dropped, and
exp(mean over windows of the mean cross-entropy). Also llama.cpp's: second halves of windows, each with its own BOS.

    python tests/golden/make_perplexity.py [ANY4_DATA [ANY4_MODELS]] > tests/golden/perplexity.json

transformers 5.24, torch 2.13, float32 on a CPU."""
import json, math, random, sys
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

torch.set_num_threads(1)


def losses(model, windows, first):
    out = []
    for ids in windows:
        ids = torch.tensor([ids])
        with torch.no_grad():
            logits = model(ids).logits[0, :-1].float()
        nll = torch.nn.functional.cross_entropy(logits, ids[0, 1:], reduction="none")
        out.append(nll[first - 1:].double().mean().item())
    return out


def result(name, text, windows_of, context, most, recipe, model, tokenizer):
    windows = windows_of(tokenizer, text, context, most)
    if recipe == "llama.cpp" and windows[0][0] == tokenizer.bos_token_id:
        windows = [[tokenizer.bos_token_id] + ids[1:] for ids in windows]
    each = losses(model, windows, context // 2 + 1 if recipe == "llama.cpp" else 1)
    mean = sum(each) / len(each)
    return {"model": name, "recipe": recipe, "context": context, "windows": len(each),
            "perplexity": math.exp(mean), "first": each[0]}


def joined(tokenizer, text, context, most):
    ids = tokenizer(text).input_ids
    return [ids[i * context:(i + 1) * context] for i in range(min(most, len(ids) // context))]


def drawn(tokenizer, texts, context, most):
    random.seed(0)
    windows = []
    for _ in range(most):
        while True:
            ids = tokenizer(texts[random.randint(0, len(texts) - 1)]).input_ids
            if len(ids) > context:
                break
        i = random.randint(0, len(ids) - context - 1)
        windows.append(ids[i:i + context])
    return windows


def load(folder, **options):
    tokenizer = AutoTokenizer.from_pretrained(folder, **options)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, **options)
    return {"model": model.eval(), "tokenizer": tokenizer}


documents = [text for texts in json.load(open("models/tinyworld/eval.json"))["documents"].values() for text in texts]
tiny = load("models/tinyworld")
out = [
    result("tinyworld", "\n\n".join(documents), joined, 128, 20, "gptq", **tiny),
    result("tinyworld", "\n\n".join(documents), joined, 64, 20, "llama.cpp", **tiny),
    result("tinyworld", documents, drawn, 32, 20, "gptq", **tiny) | {"drawn": True},
]
if len(sys.argv) > 1:
    wikitext = open(f"{sys.argv[1]}/text/wikitext-2-raw-test.txt").read()
    out.append(result("stories260K", wikitext, joined, 512, 20, "gptq", **load(f"{sys.argv[1]}/models/stories260K")))
if len(sys.argv) > 2:
    smol = load(sys.argv[2], gguf_file="SmolLM2-135M-Instruct.Q4_1.gguf")
    out.append(result("SmolLM2-135M-Instruct.Q4_1.gguf", wikitext, joined, 2048, 2, "gptq", **smol))
json.dump(out, sys.stdout, indent=1)
print()
