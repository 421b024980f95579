"""
Writes tests/golden/safetensors.json: files that the safetensors library writes, the float32 values that torch has for
them, torch's rounding to F16 and BF16, and broken or odd files with the library's verdict.

    python tests/golden/make_safetensors.py

Needs safetensors and torch.
"""

import json
import struct
from base64 import b64encode
from pathlib import Path
from tempfile import TemporaryDirectory

import safetensors
import torch
from lcg import Lcg
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

DTYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "F8_E4M3": torch.float8_e4m3fn,
    "F8_E5M2": torch.float8_e5m2,
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
    "I8": torch.int8,
    "U64": torch.uint64,
    "U32": torch.uint32,
    "U16": torch.uint16,
    "U8": torch.uint8,
    "BOOL": torch.bool,
}
NAMES = {dtype: name for name, dtype in DTYPES.items()}


def text(data: bytes) -> str:
    return b64encode(data).decode()


def raw(tensor: torch.Tensor) -> str:
    return text(tensor.flatten().view(torch.uint8).numpy().tobytes())


def values(dtype: torch.dtype) -> torch.Tensor:
    """Six values, [2, 3], the extremes among them."""
    if dtype == torch.bool:
        return torch.tensor([[True, False, True], [False, False, True]])
    if dtype.is_floating_point:
        limit = torch.finfo(dtype)
        return torch.tensor([[0.0, -1.5, limit.smallest_normal], [limit.max, limit.min, 0.3]]).to(dtype)
    limit = torch.iinfo(dtype)
    return torch.tensor([[0, 1, 2], [limit.min, limit.max - 1, limit.max]], dtype=dtype)


tensors = {name: values(dtype) for name, dtype in DTYPES.items()}
files = {
    "every type": {"tensors": tensors},
    "names that are numbers, a scalar, no values, metadata": {
        "tensors": {
            "10": torch.ones(3),
            "9": torch.tensor(2.5),
            "é\n": torch.ones(2, 0, 3),
            "a": torch.ones(5, dtype=torch.int8),
        },
        "metadata": {"format": "pt"},
    },
    "nothing": {"tensors": {}},
}

numbers = torch.from_numpy(Lcg(5).heavy_tailed(200))
# Ties, the ends of the range, subnormals, and what lies just beside them.
edges = [1 + k * 2**-12 for k in range(8)] + [1 + k * 2**-9 for k in range(8)]
edges += [65504, 65519.99, 65520, 2**-24, 2**-25, 2**-25 * 1.001, 2**-14 - 2**-25, 3.4e38, 3.3961e38, 2**-133, 2**-134]
edges = torch.tensor(edges)
numbers = torch.cat([numbers, edges, -edges, torch.tensor([0.0, -0.0, float("inf"), -float("inf")])])

cases = {}


def add(name: str, header: object, data: int = 8, length: int | None = None) -> None:
    """A file of a header and `data` zero bytes, whose length may be a lie."""
    if not isinstance(header, (bytes, str)):
        header = json.dumps(header)
    if isinstance(header, str):
        header = header.encode()
    cases[name] = struct.pack("<Q", len(header) if length is None else length) + header + bytes(data)


def tensor(dtype: object = "F32", shape: object = (2,), offsets: object = (0, 8)) -> dict:
    return {"dtype": dtype, "shape": shape, "data_offsets": offsets}


def member(key: str, value: str) -> str:
    """A tensor with one more member, or one member repeated."""
    return '{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"%s":%s}}' % (key, value)


one = json.dumps(tensor())
add("as it should be", {"a": tensor()})
cases["no bytes"] = b""
cases["seven bytes"] = bytes(7)
add("no header", "", 0)
add("no tensors", {}, 0)
add("no tensors but bytes", {})
add("header longer than the file", {"a": tensor()}, length=10000)
add("header of 2^60 bytes", {"a": tensor()}, length=2**60)
add("header of 2^64 - 1 bytes", {"a": tensor()}, length=2**64 - 1)
add("header not UTF-8", b'{"a\xff":%s}' % one.encode())
add("header not JSON", "{nope")
add("header a list", "[]", 0)
add("header null", "null", 0)
add("tensor twice", '{"a":%s,"a":%s}' % (one, one))
add("tensor twice, once escaped", '{"a":%s,"\\u0061":%s}' % (one, one))
add("metadata twice", '{"__metadata__":{"x":"y"},"__metadata__":{"x":"z"},"a":%s}' % one)
add("metadata key twice", '{"__metadata__":{"x":"y","x":"z"},"a":%s}' % one)
add("dtype twice", member("dtype", '"F32"'))
add("unknown member", member("x", '[1,-2.5e3,{"q":[true,false,null,"s"]}]'))
add("unknown member nested 127 deep", member("x", "[" * 125 + "]" * 125))
add("unknown member nested 128 deep", member("x", "[" * 126 + "]" * 126))
add("unknown member nested 5000 deep", member("x", "[" * 5000))
add("unknown member broken", member("x", "[1,,2]"))
add("no dtype", '{"a":{"shape":[2],"data_offsets":[0,8]}}')
add("no shape", '{"a":{"dtype":"F32","data_offsets":[0,8]}}')
add("no data_offsets", '{"a":{"dtype":"F32","shape":[2]}}')
add("tensor a list", '{"a":["F32",[2],[0,8]]}')
add("tensor null", '{"a":null}', 0)
for dtype in ("F33", "f32", 5):
    add(f"dtype {dtype}", {"a": tensor(dtype)})
for dtype, size, data in (("C64", 1, 8), ("F8_E8M0", 8, 8), ("F4", 16, 8), ("F4", 15, 8), ("F6_E2M3", 4, 3)):
    add(f"{dtype} of shape {size}", {"a": tensor(dtype, [size], [0, data])}, data)
for shape in ("2.0", "2e0", "-2", "02", '"2"', "NaN", "null", ""):
    add(f"shape [{shape}]", '{"a":{"dtype":"F32","shape":[%s],"data_offsets":[0,8]}}' % shape)
add("shape null", {"a": tensor(shape=None)})
add("shape of 2^80 values", {"a": tensor(shape=[2**40, 2**40])})
add("shape of 2^65 values", {"a": tensor(shape=[2**32, 2**32, 2])})
add("shape of 2^80 values, then 0", {"a": tensor(shape=[2**40, 2**40, 0], offsets=[0, 0])}, 0)
add("shape of 0, then 2^80 values", {"a": tensor(shape=[0, 2**40, 2**40], offsets=[0, 0])}, 0)
add("shape of 2^60, then 0", {"a": tensor(shape=[2**60, 0], offsets=[0, 0])}, 0)
add("shape of 65 ones", {"a": tensor(shape=[2] + [1] * 64)})
add("scalar", {"a": tensor(shape=[], offsets=[0, 4])}, 4)
add("no values twice", {"a": tensor(shape=[0], offsets=[0, 0]), "b": tensor(shape=[0, 3], offsets=[0, 0])}, 0)
add("no values before others", {"b": tensor(), "a": tensor(shape=[0], offsets=[0, 0])})
add("no values behind others", {"b": tensor(), "a": tensor(shape=[0], offsets=[8, 8])})
add("no values amid others", {"b": tensor(), "a": tensor(shape=[0], offsets=[4, 4])})
add("no values beyond the end", {"b": tensor(), "a": tensor(shape=[0], offsets=[16, 16])})
add("offsets negative", {"a": tensor(offsets=[-8, 0])})
add("offsets not whole", '{"a":{"dtype":"F32","shape":[2],"data_offsets":[0.0,8.0]}}')
add("one offset", {"a": tensor(offsets=[0])})
add("three offsets", {"a": tensor(offsets=[0, 8, 8])})
add("offsets reversed", {"a": tensor(offsets=[8, 0])})
add("offsets beyond the end", {"a": tensor(shape=[4], offsets=[0, 16])})
add("offsets near 2^64", {"a": tensor(offsets=[2**64 - 8, 2**64])})
add("too large a shape", {"a": tensor(shape=[3])})
add("too small a shape", {"a": tensor(shape=[1])})
add("overlapping tensors", {"a": tensor(), "b": tensor(offsets=[4, 12])}, 12)
add("tensors in one place", {"a": tensor(), "b": tensor()})
add("hole behind the header", {"a": tensor(offsets=[4, 12])}, 12)
add("hole between tensors", {"a": tensor(), "b": tensor(offsets=[12, 20])}, 20)
add("hole behind the tensors", {"a": tensor()}, 12)
add("data cut off", {"a": tensor()}, 7)
add("metadata of numbers", {"__metadata__": {"x": 1}, "a": tensor()})
add("metadata null", {"__metadata__": None, "a": tensor()})
add("metadata a list", {"__metadata__": [], "a": tensor()})
add("metadata behind tensors", {"a": tensor(), "__metadata__": {"x": "1"}})
add("a tensor named __metadata__", {"__metadata__": tensor()})
add("space around the header", ' \n{"a":%s}\t\r\n ' % one)
add("a 0 byte behind the header", '{"a":%s}\0' % one)
add("a letter behind the header", '{"a":%s}x' % one)
add("a comma too many", '{"a":%s,}' % one)
add("byte order mark", b'\xef\xbb\xbf{"a":%s}' % one.encode())
add("half a surrogate pair", '{"\\ud800":%s}' % one)
add("surrogate pair", '{"\\ud83d\\ude00":%s}' % one)
add("surrogate in UTF-8", b'{"\xed\xa0\x80":%s}' % one.encode())
add("unknown escape", '{"\\x":%s}' % one)
add("empty name", {"": tensor()})
add("name with a newline", b'{"a\n":%s}' % one.encode())
add("name __proto__", {"__proto__": tensor()})
add("single quotes", "{'a':%s}" % one)
add("escaped key", '{"a":{"\\u0064type":"F32","shape":[2],"data_offsets":[0,8]}}')


def accepted(data: bytes) -> bool:
    with TemporaryDirectory() as folder:
        path = Path(folder, "file")
        path.write_bytes(data)
        try:
            with safe_open(path, "pt"):
                return True
        except SafetensorError:
            return False


golden = {
    "made_by": f"make_safetensors.py, safetensors {safetensors.__version__}, torch {torch.__version__}",
    "files": [
        {
            "name": name,
            "metadata": file.get("metadata", {}),
            "tensors": [
                {
                    "name": key,
                    "dtype": NAMES[t.dtype],
                    "shape": list(t.shape),
                    "bytes": raw(t),
                    "float32": raw(t.to(torch.float32)),
                }
                for key, t in file["tensors"].items()
            ],
            "file": text(save(file["tensors"], file.get("metadata"))),
        }
        for name, file in files.items()
    ],
    "rounding": {
        "F32": raw(numbers),
        "F16": raw(numbers.to(torch.float16)),
        "BF16": raw(numbers.to(torch.bfloat16)),
    },
    "cases": [{"name": name, "accepted": accepted(data), "file": text(data)} for name, data in cases.items()],
}
Path(__file__).with_name("safetensors.json").write_text(json.dumps(golden, indent=2) + "\n")
