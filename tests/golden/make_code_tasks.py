"""Prompts of HumanEval and MBPP, and scores of known answers, by lm-evaluation-harness 0.4.13.

    python tests/golden/make_code_tasks.py ANY4_DATA > tests/golden/code_tasks.json

pip install lm-eval==0.4.13. Its metric `code_eval` comes from the Hub; the one below runs the same program, an answer, a new
line and a reference, in a process of its own."""
import gzip, hashlib, json, os, subprocess, sys, tempfile, types
os.environ.update(HF_HUB_OFFLINE="1", HF_DATASETS_OFFLINE="1", HF_DATASETS_CACHE=tempfile.mkdtemp())


class CodeEval:
    def compute(self, references, predictions, k):
        def passes(program):
            return subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=20).returncode == 0
        right = [[passes(f"{one}\n{reference}") for one in some] for reference, some in zip(references, predictions)]
        return {"pass@1": sum(map(sum, right)) / sum(map(len, right))}, {}


sys.modules["evaluate"] = types.SimpleNamespace(load=lambda name: CodeEval())
from lm_eval.api.task import ConfigurableTask
from lm_eval.tasks import TaskManager
from lm_eval.tasks._yaml_loader import load_yaml

DATA = sys.argv[1] + "/eval"
INDEX = TaskManager().task_index
WRONG = {"humaneval": "    return None\n", "mbpp": "def nothing():\n  return None\n"}


def lines(path, rows):
    with open(path, "w") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)
    return path


def measure(name, file, items, known):
    config = dict(load_yaml(INDEX[name].yaml_path, resolve_func=True))
    config.update(dataset_path="json", dataset_name=None, dataset_kwargs={"data_files": {"test": file}})
    task = ConfigurableTask(config=config)
    docs = list(task.test_docs())
    shots = task.config.num_fewshot or 0
    prompts = [task.fewshot_context(doc, num_fewshot=shots) for doc in docs[:items]]
    answers = []
    for i in range(known):
        right = docs[i]["canonical_solution"] if name == "humaneval" else docs[i]["code"]
        for text in [right, WRONG[name]]:
            instances = task.construct_requests(docs[i], prompts[i], doc_id=i, metadata=(name, i, 1))
            for instance in instances if isinstance(instances, list) else [instances]:
                instance.resps = [text]
            task._instances = instances if isinstance(instances, list) else [instances]
            task.apply_filters()
            filtered = next(iter(task._instances[0].filtered_resps.values()))
            (score,) = task.process_results(docs[i], [filtered]).values()
            answers.append({"item": i, "text": text, "pass": score["pass@1"] if isinstance(score, dict) else score})
    until = task.config.generation_kwargs["until"]
    return {"task": name, "until": until, "answers": answers,
            "prompts": [hashlib.sha256(prompt.encode()).hexdigest()[:12] for prompt in prompts]}


with tempfile.TemporaryDirectory() as folder:
    humaneval = [json.loads(line) for line in gzip.open(f"{DATA}/HumanEval.jsonl.gz", "rt")]
    mbpp = [json.loads(line) for line in open(f"{DATA}/mbpp.jsonl")]
    mbpp = [row for row in mbpp if 11 <= row["task_id"] <= 510]
    print(json.dumps([
        measure("humaneval", lines(f"{folder}/humaneval.jsonl", humaneval), 164, 1),
        measure("mbpp", lines(f"{folder}/mbpp.jsonl", mbpp), 100, 1),
    ], indent=1))
