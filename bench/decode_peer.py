"""
transformers' side of bench/decode.ts, which starts it with a model's folder and the number of tokens and writes it a line
whenever it is to decode them. It answers each with a line of JSON: seconds taken.
"""

import json
import sys
import time

import torch
import transformers
from transformers import AutoModelForCausalLM

folder, count, prompt = sys.argv[1], int(sys.argv[2]), json.loads(sys.argv[3])
transformers.logging.set_verbosity_error()
model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
print(json.dumps({"name": f"transformers {transformers.__version__}, f32, {torch.get_num_threads()} threads"}), flush=True)
for line in sys.stdin:
    with torch.inference_mode():
        out = model(torch.tensor([prompt]), use_cache=True)
        start = time.perf_counter()
        for _ in range(count):
            token = out.logits[:, -1:].argmax(-1)
            out = model(token, past_key_values=out.past_key_values, use_cache=True)
        seconds = time.perf_counter() - start
    print(json.dumps({"seconds": seconds}), flush=True)
