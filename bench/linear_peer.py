"""
PyTorch's, onnxruntime's and llama.cpp's side of bench/matvec.ts and bench/prefill.ts, which start it with the number of
tokens and the size of a square matrix and write it lines "contestant repeats". It answers each with a line of JSON:
seconds a product.
"""

import ctypes
import json
import os
import sys
import time

import numpy as np

tokens, size = int(sys.argv[1]), int(sys.argv[2])
cores = os.cpu_count()
random = np.random.default_rng(3)
x = random.standard_normal((tokens, size), dtype=np.float32)
contestants, missing = [], []


def add_torch(threads):
    import torch

    for name, dtype in (("f32", torch.float32), ("bf16", torch.bfloat16)):
        weight = torch.randn(size, size).to(dtype)
        input = torch.from_numpy(x).to(dtype)

        def run(weight=weight, input=input):
            torch.nn.functional.linear(input, weight)

        def prepare():
            torch.set_num_threads(threads)

        contestants.append((f"PyTorch {torch.__version__}, {name}", threads, prepare, run))


def add_onnxruntime(threads, level):
    import onnx
    import onnxruntime

    block = 128
    codes = random.integers(0, 256, (size, size // block, block // 2), dtype=np.uint8)
    scales = random.standard_normal(size * size // block, dtype=np.float32)
    zeros = random.integers(0, 256, size * (size // block // 2), dtype=np.uint8)
    initializers = [onnx.numpy_helper.from_array(a, n) for a, n in ((codes, "b"), (scales, "s"), (zeros, "z"))]
    node = onnx.helper.make_node(
        "MatMulNBits", ["a", "b", "s", "z"], ["y"], domain="com.microsoft",
        K=size, N=size, bits=4, block_size=block, accuracy_level=level,
    )
    value = lambda name: onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [tokens, size])
    graph = onnx.helper.make_graph([node], "linear", [value("a")], [value("y")], initializers)
    opsets = [onnx.helper.make_opsetid("", 17), onnx.helper.make_opsetid("com.microsoft", 1)]
    model = onnx.helper.make_model(graph, opset_imports=opsets, ir_version=9)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, ["CPUExecutionProvider"])
    kind = {0: "f32", 4: "int8"}[level]
    name = f"onnxruntime {onnxruntime.__version__}, 4 bits, {kind} activations"
    contestants.append((name, threads, lambda: None, lambda: session.run(None, {"a": x})))


class ContextOptions(ctypes.Structure):
    _fields_ = [("bytes", ctypes.c_size_t), ("memory", ctypes.c_void_p), ("without_data", ctypes.c_bool)]


def add_llama(threads, kind, number):
    import llama_cpp

    library = llama_cpp.llama_cpp._lib

    def call(name, *args, returns=ctypes.c_void_p):
        function = getattr(library, name)
        function.restype = returns
        # ctypes would cut pointers, which are numbers here, to 32 bits.
        return function(*(ctypes.c_size_t(arg) if isinstance(arg, int) else arg for arg in args))

    # Without these ggml would end the process.
    if size % 32 != 0:
        raise ValueError(f"32 does not divide {size}")
    if not any(call(f"ggml_cpu_has_{what}", returns=ctypes.c_int) for what in ("avx2", "dotprod")):
        raise ValueError("it does not repack weights for this processor")

    context = call("ggml_init", ContextOptions(1 << 20, None, True))
    backend = call("ggml_backend_cpu_init")
    weight = call("ggml_new_tensor_2d", context, number, size, size)
    codes = np.empty(size * call("ggml_row_size", number, size), np.uint8)
    values = random.standard_normal((size, size), dtype=np.float32)
    call("ggml_quantize_chunk", number, values.ctypes, codes.ctypes, 0, size, size, None)
    # Weights are interleaved for the processor, as when llama.cpp loads a model. The name is C++'s.
    repack = call("_Z35ggml_backend_cpu_repack_buffer_typev")
    call("ggml_backend_alloc_ctx_tensors_from_buft", context, repack)
    call("ggml_backend_tensor_set", weight, codes.ctypes, 0, codes.nbytes)

    input = call("ggml_new_tensor_2d", context, 0, size, tokens)
    graph = call("ggml_new_graph", context)
    call("ggml_build_forward_expand", graph, call("ggml_mul_mat", context, weight, input))
    call("ggml_backend_alloc_ctx_tensors", context, backend)
    call("ggml_backend_tensor_set", input, x.ctypes, 0, x.nbytes)
    call("ggml_backend_cpu_set_n_threads", backend, threads)
    version = call("llama_version", returns=ctypes.c_char_p).decode()
    name = f"llama.cpp {version}, {kind}, int8 activations"
    contestants.append((name, threads, lambda: None, lambda: call("ggml_backend_graph_compute", backend, graph)))


for threads in sorted({1, cores}):
    for what, add in (
        ("PyTorch", lambda: add_torch(threads)),
        ("onnxruntime, f32 activations", lambda: add_onnxruntime(threads, 0)),
        ("onnxruntime, int8 activations", lambda: add_onnxruntime(threads, 4)),
        ("llama.cpp, Q4_0", lambda: add_llama(threads, "Q4_0", 2)),
        ("llama.cpp, IQ4_NL", lambda: add_llama(threads, "IQ4_NL", 20)),
    ):
        try:
            add()
        except Exception as error:
            missing.append(f"{what}: {error}")

print(json.dumps({"names": [(name, threads) for name, threads, _, _ in contestants], "missing": missing}), flush=True)
for line in sys.stdin:
    index, repeats = map(int, line.split())
    _, _, prepare, run = contestants[index]
    prepare()
    start = time.perf_counter()
    for _ in range(repeats):
        run()
    print(json.dumps({"seconds": (time.perf_counter() - start) / repeats}), flush=True)
