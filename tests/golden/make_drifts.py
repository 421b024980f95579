"""How far outputs of Linears move when a whole model's weights are rounded: transformers, with hooks on the modules.

    python tests/golden/make_drifts.py > tests/golden/drifts.json

pip install torch==2.13 transformers==5.24."""
import json, re
import torch
from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast

STEP = 1 / 16
TEXT = "The king has a small red boat."


def ids(name):
    return PreTrainedTokenizerFast(tokenizer_file=f"tests/golden/models/{name}/tokenizer.json").encode(TEXT)


out = []
for name in ["llama3", "qwen2", "opt"]:
    found = []
    for rounded in [False, True]:
        model = AutoModelForCausalLM.from_pretrained(f"tests/golden/models/{name}", dtype=torch.float32,
                                                     attn_implementation="eager")
        outputs = {}
        for path, module in model.named_modules():
            if not isinstance(module, torch.nn.Linear) or not re.search(r"layers\.\d+\.", path):
                continue
            if rounded:
                module.weight.data = torch.round(module.weight.data / STEP) * STEP
            module.register_forward_hook(lambda _, __, y, path=path: outputs.update({path: y.detach().double()}))
        with torch.no_grad():
            model(torch.tensor([ids(name)]))
        found.append(outputs)
    for path, y in found[0].items():
        z = found[1][path]
        out.append({"model": name, "linear": path, "meanSquareError": torch.mean((y - z) ** 2).item(),
                    "cosineSimilarity": torch.nn.functional.cosine_similarity(y.flatten(), z.flatten(), dim=0).item()})
print(json.dumps({"step": STEP, "text": TEXT, "drifts": out}, indent=1))
