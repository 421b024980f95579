"""
Checks the reference's layout with the reference's own code (github.com/facebookresearch/any4), and writes
tests/golden/reference.json: what its Any4Linear holds of a small matrix, and the weights that it stands for.

    python tests/golden/check_reference.py REFERENCE [FOLDER PLAIN]

REFERENCE is a checkout whose requirements are installed, but for its CUDA kernels (tinygemm), which are replaced by
an empty module: nothing of them is called, as codes are kept as they are before they are laid out for tensor cores.
FOLDER is what `deno task quantize --reference` wrote; each of its modules is loaded into an Any4Linear, dequantized by
the reference, and compared with PLAIN, what `deno task quantize` wrote with the same options. Needs torch, safetensors.
"""

import json
import sys
import types
from pathlib import Path

import torch
from lcg import Lcg
from safetensors.torch import load_file

sys.path.insert(0, sys.argv[1])
sys.modules["tinygemm"] = types.ModuleType("tinygemm")
import modules  # noqa: E402  (the reference's)
import quantize  # noqa: E402  (the reference's)


def any4_linear(state: dict, group: int) -> modules.Any4Linear:
    """The reference's module with a state, whose names and shapes must be its own."""
    rows, cols = state["weight"].shape
    linear = modules.Any4Linear(
        cols, rows, bias=False, dtype=state["lut"].dtype, group_size=group, per_row=state["lut"].dim() == 2
    )
    linear.load_state_dict(state, strict=True)
    return linear


def dequantize(linear: modules.Any4Linear) -> torch.Tensor:
    """
    The weights, by the reference, which takes tables that are not centred. A table for all rows is given as one for
    each: for those its code orders scales_and_zeros as [rows, groups], not as [groups, rows] as its kernels read them.
    """
    return quantize.anyq_dequantize_tensor(
        linear.weight,
        linear.lut.float().expand(linear.out_features, 16) + 8,
        linear.scales_and_zeros.float(),
        q_group_size=linear.group_size,
    )


def unpack(words: torch.Tensor, cols: int) -> torch.Tensor:
    """4-bit codes of our own layout: the lowest bits first."""
    shifts = torch.arange(0, 32, 4)
    return ((words.long()[:, :, None] >> shifts) & 15).flatten(1)[:, :cols]


def check(folder: str, plain: str) -> None:
    def tensors(folder):
        found = {}
        for file in sorted(Path(folder).glob("*.safetensors")):
            found.update(load_file(file))
        return found

    exported, own = tensors(folder), tensors(plain)
    config = json.loads((Path(plain) / "config.json").read_text())["quantization_config"]["tensors"]
    worst = 0.0
    for name, entry in config.items():
        module = name.removesuffix(".weight")
        state = {key: exported[f"{module}.{key}"] for key in ("weight", "scales_and_zeros", "lut")}
        weights = dequantize(any4_linear(state, entry["group_size"])).detach().double()
        codes = unpack(own[f"{name}.codes"], weights.shape[1])
        assert torch.equal(codes, state["weight"].long()), f"{name}: codes differ"
        table = own[f"{name}.codebook"].double().expand(len(codes), 16)
        group = entry["group_size"]
        scales, zeros = (own[f"{name}.{key}"].double().repeat_interleave(group, 1) for key in ("scales", "zeros"))
        expected = table.gather(1, codes) * scales + zeros
        # What the type rounds, each by half a unit in the last place: zero', the scale and the table's value, the last
        # two of which are multiplied by one another and by up to 8.
        unit = torch.finfo(state["lut"].dtype).eps / 2
        bound = unit * (scales.abs() * 17 + (zeros + 8 * scales).abs()) + 1e-6
        error = (weights - expected).abs()
        assert (error <= bound).all(), f"{name}: {float((error / bound).max())} of what rounding explains"
        worst = max(worst, float(error.max() / expected.abs().max()))
    print(f"{len(config)} modules, largest error {worst:.2e} of a matrix's largest weight")


def golden() -> dict:
    cases = []
    for per_row, group in ((True, 32), (False, 64)):
        matrix = torch.from_numpy(Lcg(11).heavy_tailed(4 * 64)).reshape(4, 64)
        codes, table, scales_and_zeros = quantize.anyq_quantize_tensor(
            matrix, q_group_size=group, per_row=per_row, parallelize=False
        )
        state = {"weight": codes.int(), "scales_and_zeros": scales_and_zeros, "lut": table - 8}
        weights = dequantize(any4_linear(state, group)).detach()
        cases.append({"groupSize": group, **{key: value.flatten().tolist() for key, value in state.items()}})
        cases[-1]["shapes"] = {key: list(value.shape) for key, value in state.items()}
        cases[-1]["dequantized"] = weights.flatten().tolist()
    return {"made_by": f"check_reference.py, facebookresearch/any4, torch {torch.__version__}", "cases": cases}


if len(sys.argv) > 2:
    check(sys.argv[2], sys.argv[3])
Path(__file__).with_name("reference.json").write_text(json.dumps(golden()) + "\n")
