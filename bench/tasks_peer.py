"""Times lm-evaluation-harness's hf model on PIQA: items a second of its log-likelihoods, tokenizing included.

    python bench/tasks_peer.py MODEL_FOLDER PIQA.jsonl ITEMS BATCH_SIZE…

Waits for a line of input before each round, writes a line of JSON after it."""
import json, os, sys, tempfile, time
os.environ.update(HF_HUB_OFFLINE="1", HF_DATASETS_OFFLINE="1", HF_DATASETS_CACHE=tempfile.mkdtemp(),
                  TOKENIZERS_PARALLELISM="false", TQDM_DISABLE="1")
import lm_eval, torch
from lm_eval.api.task import ConfigurableTask
from lm_eval.models.huggingface import HFLM
from lm_eval.tasks import TaskManager
from lm_eval.tasks._yaml_loader import load_yaml

folder, file, items, *sizes = sys.argv[1:]
config = dict(load_yaml(TaskManager().task_index["piqa"].yaml_path, resolve_func=True))
config.update(dataset_path="json", dataset_name=None, dataset_kwargs={"data_files": {"validation": file}})
for split in ("training_split", "test_split", "fewshot_split"):
    config.pop(split, None)
model = HFLM(pretrained=folder, device="cpu", dtype="float32")
seconds, score = 0, model.loglikelihood


def timed(*args, **kwargs):
    global seconds
    start = time.perf_counter()
    found = score(*args, **kwargs)
    seconds = time.perf_counter() - start
    return found


model.loglikelihood = timed
print(json.dumps({"ready": f"lm-eval {lm_eval.__version__}, PyTorch {torch.__version__}",
                  "threads": torch.get_num_threads()}), flush=True)
for _ in sys.stdin:
    rates = {}
    for size in sizes:
        model.batch_size_per_gpu = int(size)
        task = ConfigurableTask(config=config)
        out = lm_eval.simple_evaluate(model=model, tasks=[task], limit=int(items), log_samples=True, bootstrap_iters=0)
        samples = sorted(out["samples"]["piqa"], key=lambda sample: sample["doc_id"])
        rates[size] = int(items) / seconds
    print(json.dumps({"rates": rates, "acc": out["results"]["piqa"]["acc,none"],
                      "loglikelihoods": [[float(one[0][0]) for one in sample["resps"]] for sample in samples]}), flush=True)
