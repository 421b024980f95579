"""
PyTorch's side of bench/gram.ts, which starts it with the number of tokens and of columns and writes it a number of threads a
line. It answers each with a line of JSON: seconds of one sum += xᵀ x.
"""

import json
import sys
import time

import torch

tokens, cols = int(sys.argv[1]), int(sys.argv[2])
x = torch.randn(tokens, cols)
total = torch.zeros(cols, cols)
print(json.dumps({"version": torch.__version__}), flush=True)
for line in sys.stdin:
    torch.set_num_threads(int(line))
    start = time.perf_counter()
    total.addmm_(x.T, x)
    print(json.dumps({"seconds": time.perf_counter() - start}), flush=True)
