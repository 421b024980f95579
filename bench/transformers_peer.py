"""
transformers' side of bench/real_model.ts: started with a GGUF file and the prompt's token ids, it answers "prefill" and
"decode N" with the seconds taken, in float32.
"""

import json
import os
import sys
import time

import torch
import transformers
from transformers import AutoModelForCausalLM

path, ids = sys.argv[1], json.loads(sys.argv[2])
transformers.logging.set_verbosity_error()
transformers.utils.logging.disable_progress_bar()
model = AutoModelForCausalLM.from_pretrained(
    os.path.dirname(path), gguf_file=os.path.basename(path), dtype=torch.float32
).eval()
print(json.dumps({"name": f"transformers {transformers.__version__}, f32, {torch.get_num_threads()} threads"}), flush=True)
out = None
for line in sys.stdin:
    what, *count = line.split()
    start = time.perf_counter()
    with torch.inference_mode():
        if what == "prefill":
            out = model(torch.tensor([ids[:-1]]), use_cache=True, logits_to_keep=1)
        else:
            token = torch.tensor([ids[-1:]])
            for _ in range(int(count[0])):
                out = model(token, past_key_values=out.past_key_values, use_cache=True)
                token = out.logits[:, -1:].argmax(-1)
    print(json.dumps({"seconds": time.perf_counter() - start}), flush=True)
