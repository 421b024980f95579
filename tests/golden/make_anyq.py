"""
Writes tests/golden/anyq.json: what any4's reference (github.com/facebookresearch/any4) makes of a matrix by a formula.

    python tests/golden/make_anyq.py FOLDER

FOLDER is a checkout of the reference; its requirements must be installed. The error of a row is
sum_c weight[c] * scale * (u - û)^2 over its scaled weights u, which is what the reference's clustering minimises;
its squared error is sum_c (w - ŵ)^2 over the weights w, dequantized by the reference.
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch
from lcg import Lcg

sys.path.insert(0, sys.argv[1])
import quantize  # noqa: E402  (the reference's module)

ROWS, COLS, GROUP = 16, 256, 64

lcg = Lcg(7)
matrix = torch.from_numpy(lcg.heavy_tailed(ROWS * COLS)).reshape(ROWS, COLS)
weights = torch.from_numpy(lcg.weights(COLS))

cases = []
for bits in (4, 3, 2):
    codes, table, scales_and_zeros = quantize.anyq_quantize_tensor(
        matrix,
        n_bit=bits,
        q_group_size=GROUP,
        sample_weight=weights,
        scale_sample_weight=True,
        parallelize=False,
    )
    scaled, _, _ = quantize.group_q(matrix, bits, q_group_size=GROUP)
    scales = scales_and_zeros[:, :, 0].T.double()  # [rows, groups]
    zeros = scales_and_zeros[:, :, 1].T.double()
    rounded = torch.gather(table, 1, codes.long())
    importance = weights.double() * scales.repeat_interleave(GROUP, dim=1)
    errors = (importance * (scaled.double() - rounded.double()) ** 2).sum(dim=1)
    dequantized = quantize.anyq_dequantize_tensor(codes, table, scales_and_zeros, n_bit=bits, q_group_size=GROUP)
    squared = ((matrix.double() - dequantized.double()) ** 2).sum(dim=1)
    cases.append(
        {
            "bits": bits,
            "scales": [float(np.float32(x)) for x in scales.flatten()],
            "zeros": [float(np.float32(x)) for x in zeros.flatten()],
            "errors": errors.tolist(),
            "squaredErrors": squared.tolist(),
        }
    )

golden = {
    "made_by": f"make_anyq.py, facebookresearch/any4, torch {torch.__version__}",
    "rows": ROWS,
    "cols": COLS,
    "groupSize": GROUP,
    "seed": 7,
    "cases": cases,
}
Path(__file__).with_name("anyq.json").write_text(json.dumps(golden, indent=2) + "\n")
