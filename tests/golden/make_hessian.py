"""
Writes tests/golden/hessian.json: what methods that know E[x xᵀ] do to small matrices made by a formula.

    python tests/golden/make_hessian.py

Needs numpy. GPTQ is written as in the paper's algorithm 1 (Frantar and others 2022): by the upper Cholesky factor of the
inverse of H, changing the weights that are to come. Least squares and coordinate descent (LNQ, "GuidedQuant", 2025) are
written from their definitions, everything computed anew at every step.
"""

import json
from pathlib import Path

import numpy as np
from lcg import Lcg

ROWS, COLS, TOKENS, GROUP = 6, 24, 40, 8
UNEVEN = [-1.0, -0.25, 0.375, 1.0]


def gram_of(lcg, cols, tokens):
    """E[x xᵀ] of inputs whose neighbouring columns go together, in float32 as a calibration has it."""
    draws = lcg.bell(tokens * cols).astype(np.float64).reshape(tokens, cols)
    factors = lcg.weights(cols).astype(np.float64)
    x = np.array(draws)
    for c in range(1, cols):
        x[:, c] = 0.75 * x[:, c - 1] + draws[:, c]
    x *= factors
    total = np.zeros((cols, cols))
    for t in range(tokens):
        total += np.outer(x[t], x[t])
    return (total / tokens).astype(np.float32)


def scaled(weights, levels, group):
    """float32 scales and zeros of each column of a row: those of its group."""
    scales, zeros = np.zeros_like(weights), np.zeros_like(weights)
    for start in range(0, len(weights), group):
        part = weights[start : start + group].astype(np.float64)
        if levels is None:
            scale, zero = max(part.max(), -part.min(), 0), 0
        else:
            scale, zero = max(part.max() - part.min(), 1e-6) / levels, part.min()
        scales[start : start + group] = np.float32(scale)
        zeros[start : start + group] = np.float32(zero)
    return scales.astype(np.float64), zeros.astype(np.float64)


def nearest(table, value):
    return int(np.argmin(np.abs(table - value)))


def gptq(weights, gram, table, scales, zeros, act_order):
    n = len(weights)
    order = np.argsort(-np.diag(gram), kind="stable") if act_order else np.arange(n)
    h = gram.astype(np.float64)[np.ix_(order, order)]
    h += 0.01 * np.diag(h).mean() * np.eye(n)
    upper = np.linalg.cholesky(np.linalg.inv(h)).T
    left = weights.astype(np.float64)[order]
    codes = [0] * n
    for j in range(n):
        c = order[j]
        code = nearest(table, (left[j] - zeros[c]) / scales[c])
        error = (left[j] - (scales[c] * table[code] + zeros[c])) / upper[j, j]
        left[j + 1 :] -= error * upper[j, j + 1 :]
        codes[c] = code
    return codes


def error_of(weights, h, table, codes, scales, zeros):
    d = scales * table[codes] + zeros - weights
    return float(d @ h @ d)


def refit(weights, h, codes, scales, zeros, size):
    s = np.zeros((len(weights), size))
    s[np.arange(len(weights)), codes] = scales
    root = np.linalg.cholesky(h).T
    return np.linalg.lstsq(root @ s, root @ (weights - zeros), rcond=None)[0]


def sweep(weights, h, table, codes, scales, zeros):
    codes = list(codes)
    for j in range(len(weights)):
        errors = [
            error_of(weights, h, table, codes[:j] + [code] + codes[j + 1 :], scales, zeros)
            for code in range(len(table))
        ]
        codes[j] = int(np.argmin(errors))
    return codes


lcg = Lcg(77)
weights = lcg.heavy_tailed(ROWS * COLS).reshape(ROWS, COLS)
gram = gram_of(lcg, COLS, TOKENS)
cases = []
for name, table, levels in [
    ("int4", np.arange(16.0), 15),
    ("int3", np.arange(8.0), 7),
    ("int2", np.arange(4.0), 3),
    ("uneven", np.array(UNEVEN), None),
]:
    for act_order in (True, False):
        codes = []
        for row in weights:
            scales, zeros = scaled(row, levels, GROUP)
            codes.append(gptq(row, gram, table, scales, zeros, act_order))
        cases.append({"format": name, "actOrder": act_order, "codes": codes})

h = 0.5 * gram.astype(np.float64) + np.diag(0.5 * np.diag(gram).astype(np.float64))
h += 1e-3 * np.diag(gram).astype(np.float64).mean() * np.eye(COLS)
steps = []
for row in weights:
    scales, zeros = scaled(row, 7, GROUP)
    codes = [nearest(np.arange(8.0), value) for value in (row - zeros) / scales]
    w = row.astype(np.float64)
    table = refit(w, h, codes, scales, zeros, 8)
    # An entry that no code uses stays where it is.
    table = np.array([table[k] if k in codes else float(k) for k in range(8)]).astype(np.float32).astype(np.float64)
    after = sweep(w, h, table, codes, scales, zeros)
    steps.append(
        {
            "codes": codes,
            "start": error_of(w, h, np.arange(8.0), codes, scales, zeros),
            "table": table.tolist(),
            "refitted": error_of(w, h, table, codes, scales, zeros),
            "swept": after,
            "end": error_of(w, h, table, after, scales, zeros),
        }
    )

golden = {
    "made_by": f"make_hessian.py, numpy {np.__version__}",
    "rows": ROWS,
    "cols": COLS,
    "tokens": TOKENS,
    "groupSize": GROUP,
    "seed": 77,
    "uneven": UNEVEN,
    "gptq": cases,
    "lnq": steps,
}
text = json.dumps(golden)
Path(__file__).with_name("hessian.json").write_text(text + "\n")
