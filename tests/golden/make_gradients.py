"""Writes gradients.json: PyTorch's gradients of each layer of the tiny models (make_tiny_models.py), by transformers' layers.

    python tests/golden/make_gradients.py

For a layer's output y on the tokens of golden.safetensors and numbers r of Lcg(7).bell, the gradients of Σ r · y by the layer's
input and by its parameters, each as [its norm, its product with the numbers of Lcg(11).bell].
"""

import json
import os

import torch
import transformers
from lcg import Lcg
from safetensors.torch import load_file

HERE = os.path.dirname(os.path.abspath(__file__))
EXPERTS = {"mixtral", "qwen3_moe"}
MOST = 1 << 14

OUTPUT = torch.tensor(Lcg(7).bell(24 * 32))
PRODUCT = torch.tensor(Lcg(11).bell(MOST)).double()


def told(gradient):
    flat = gradient.double().flatten()
    return [float(flat.norm()), float(flat @ PRODUCT[: len(flat)])]


def layers_of(model):
    base = model.base_model
    base = getattr(base, "decoder", base)
    return base.layers if hasattr(base, "layers") else base.h


def gradients(folder):
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager")
    model.eval()
    tokens = load_file(os.path.join(folder, "golden.safetensors"))["tokens"].long()[None]
    found = []
    for layer in layers_of(model):
        kept = {}

        def before(_, args, options):
            hidden = (args[0] if args else options["hidden_states"]).detach().requires_grad_()
            kept["input"] = hidden
            if args:
                return (hidden, *args[1:]), options
            return args, {**options, "hidden_states": hidden}

        def after(_, __, output):
            kept["output"] = output if isinstance(output, torch.Tensor) else output[0]

        hooks = [layer.register_forward_pre_hook(before, with_kwargs=True), layer.register_forward_hook(after)]
        model.zero_grad()
        model(tokens, use_cache=False)
        for hook in hooks:
            hook.remove()
        output = kept["output"]
        (output * OUTPUT.reshape(output.shape)).sum().backward()
        own = {id(parameter) for parameter in layer.parameters()}
        entry = {"input": told(kept["input"].grad)}
        for name, parameter in model.named_parameters():
            if id(parameter) in own and parameter.grad is not None:
                entry[name] = told(parameter.grad)
        found.append(entry)
    return found


if __name__ == "__main__":
    torch.set_num_threads(1)
    names = sorted(name for name in os.listdir(os.path.join(HERE, "models")) if name not in EXPERTS)
    all_found = {name: gradients(os.path.join(HERE, "models", name)) for name in names}
    with open(os.path.join(HERE, "gradients.json"), "w") as file:
        json.dump(all_found, file, indent=0)
        file.write("\n")
