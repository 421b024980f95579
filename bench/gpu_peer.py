"""
PyTorch's side of bench/gpu.ts, on the same GPU: products in half precision, tinygemm's of 4 bits, which PyTorch contains,
and bitsandbytes' where it is installed. Writes one JSON document; weights take turns so that they come from memory.
"""

import json
import statistics
import sys

small = "--small" in sys.argv
COLD = (1 << 20) if small else (256 << 20)
SHAPES = [(64, 256)] if small else [(8192, 8192), (4096, 4096), (14336, 4096)]
TOKENS = [1, 16] if small else [1, 8, 512]

try:
    import torch
except ImportError as error:
    print(json.dumps({"missing": str(error)}))
    sys.exit()
if not torch.cuda.is_available():
    print(json.dumps({"missing": f"PyTorch {torch.__version__} sees no GPU"}))
    sys.exit()

device = torch.device("cuda")


def seconds(calls):
    """Seconds a call, the median of seven rounds of a graph in which all calls take turns."""
    for call in calls:
        call()
    torch.cuda.synchronize()
    repeats = max(1, 64 // len(calls))
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        for _ in range(repeats):
            for call in calls:
                call()
    times = []
    for _ in range(8):
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        graph.replay()
        end.record()
        torch.cuda.synchronize()
        times.append(start.elapsed_time(end) / 1000 / repeats / len(calls))
    return statistics.median(times[1:])


results, failures = [], []


def add(contestant, shape, tokens, weight_bytes, calls):
    try:
        taken = seconds(calls)
    except Exception as error:
        failures.append(f"{contestant} {shape} {tokens}: {error}")
        return
    results.append({
        "contestant": contestant,
        "rows": shape[0],
        "cols": shape[1],
        "tokens": tokens,
        "milliseconds": 1000 * taken,
        "gigabytesPerSecond": weight_bytes / taken / 1e9,
    })


def dense(dtype, name, shape, tokens):
    rows, cols = shape
    bytes = 2 * rows * cols
    count = max(1, COLD // bytes)
    x = torch.randn(tokens, cols, device=device, dtype=dtype)
    weights = [torch.randn(rows, cols, device=device, dtype=dtype) for _ in range(count)]
    calls = [lambda w=w: torch.nn.functional.linear(x, w) for w in weights]
    add(f"PyTorch {name}", shape, tokens, bytes, calls)


def tinygemm(shape, tokens):
    rows, cols = shape
    group, bytes = 128, rows * cols // 2 + rows * cols // 128 * 4
    count = max(1, COLD // bytes)
    x = torch.randn(tokens, cols, device=device, dtype=torch.bfloat16)
    calls = []
    for _ in range(count):
        codes = torch.randint(0, 256, (rows, cols // 2), device=device, dtype=torch.uint8)
        packed = torch.ops.aten._convert_weight_to_int4pack(codes, 8)
        scales = torch.randn(cols // group, rows, 2, device=device, dtype=torch.bfloat16)
        calls.append(lambda p=packed, s=scales: torch.ops.aten._weight_int4pack_mm(x, p, group, s))
    add("tinygemm int4", shape, tokens, bytes, calls)


def bitsandbytes(shape, tokens):
    import bitsandbytes.functional as bnb

    rows, cols = shape
    bytes = rows * cols // 2 + rows * cols // 64 * 4
    count = max(1, COLD // bytes)
    x = torch.randn(tokens, cols, device=device, dtype=torch.bfloat16)
    calls = []
    for _ in range(count):
        weight = torch.randn(rows, cols, device=device, dtype=torch.bfloat16)
        codes, state = bnb.quantize_4bit(weight, quant_type="nf4")
        if tokens == 1:
            calls.append(lambda c=codes, s=state: bnb.gemv_4bit(x, c.t(), state=s))
        else:
            calls.append(lambda c=codes, s=state: torch.nn.functional.linear(x, bnb.dequantize_4bit(c, s)))
    add("bitsandbytes nf4", shape, tokens, bytes, calls)


source = torch.empty((64 << 20) if small else (1 << 30), device=device, dtype=torch.uint8)
target = torch.empty_like(source)
add("copy", (0, 0), 0, 2 * source.numel(), [lambda: target.copy_(source)])
for shape in SHAPES:
    for tokens in TOKENS:
        for run in (
            lambda: dense(torch.float16, "f16", shape, tokens),
            lambda: dense(torch.bfloat16, "bf16", shape, tokens),
            lambda: tinygemm(shape, tokens),
            lambda: bitsandbytes(shape, tokens),
        ):
            try:
                run()
            except Exception as error:
                failures.append(f"{shape} {tokens}: {error}")
name = f"PyTorch {torch.__version__} on {torch.cuda.get_device_name()}"
print(json.dumps({"name": name, "results": results, "failures": sorted(set(failures))}))
