"""
Writes tests/golden/bitsandbytes.json: bitsandbytes' 4-bit tables, and what its CPU kernels make of a matrix by a formula.

    python tests/golden/make_bitsandbytes.py

Needs bitsandbytes and torch.
"""

import json
from pathlib import Path

import bitsandbytes
import torch
from bitsandbytes.functional import dequantize_4bit, get_4bit_type, quantize_4bit
from lcg import Lcg

ROWS, COLS, GROUP = 4, 256, 64

matrix = torch.from_numpy(Lcg(11).bell(ROWS * COLS)).reshape(ROWS, COLS)
golden = {
    "made_by": f"make_bitsandbytes.py, bitsandbytes {bitsandbytes.__version__}",
    "rows": ROWS,
    "cols": COLS,
    "groupSize": GROUP,
    "seed": 11,
    "tables": {
        name: get_4bit_type(name, device="cpu", blocksize=GROUP).tolist() for name in ("nf4", "fp4", "af4")
    },
    "dequantized": {},
}
for name in ("nf4", "fp4"):
    packed, state = quantize_4bit(matrix, blocksize=GROUP, quant_type=name)
    golden["dequantized"][name] = dequantize_4bit(packed, state).flatten().tolist()
Path(__file__).with_name("bitsandbytes.json").write_text(json.dumps(golden, indent=2) + "\n")
