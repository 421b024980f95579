"""Log-likelihoods, continuations and scores of lm-evaluation-harness 0.4.13 on local files, by its hf model on a CPU.

    python tests/golden/make_tasks.py [ANY4_DATA] > tests/golden/tasks.json

pip install lm-eval==0.4.13 (and torch 2.13, transformers 5.24)."""
import csv, hashlib, json, os, sys, tempfile
os.environ.update(HF_HUB_OFFLINE="1", HF_DATASETS_OFFLINE="1", HF_DATASETS_CACHE=tempfile.mkdtemp(),
                  TOKENIZERS_PARALLELISM="false")
import lm_eval, torch
from lm_eval.api.task import ConfigurableTask
from lm_eval.models.huggingface import HFLM
from lm_eval.tasks import TaskManager
from lm_eval.tasks._yaml_loader import load_yaml

torch.set_num_threads(1)
INDEX = TaskManager().task_index
DATA = sys.argv[1] + "/eval" if len(sys.argv) > 1 else None
OURS = "tests/golden/tasks"
CASES = [  # task, files of splits, few-shot examples, limit, longest continuation, own data
    ("arc_easy", {"test": f"{OURS}/arc_easy.jsonl"}, 0, None, None),
    ("hellaswag", {"validation": f"{OURS}/hellaswag.jsonl"}, 0, None, None),
    ("winogrande", {"validation": f"{OURS}/winogrande.jsonl"}, 0, None, None),
    ("boolq", {"validation": f"{OURS}/boolq.jsonl"}, 0, None, None),
    ("lambada_openai", {"test": f"{OURS}/lambada.jsonl"}, 0, None, None),
    # Examples drawn from the data itself.
    ("arc_easy", {"test": f"{OURS}/arc_easy.jsonl", "train": f"{OURS}/arc_easy.jsonl"}, 2, None, None),
    ("winogrande", {"validation": f"{OURS}/winogrande.jsonl", "train": f"{OURS}/winogrande.jsonl"}, 2, None, None),
]


def lines(path, rows):
    with open(path, "w") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)
    return path


def shared(folder):
    """The files of ANY4_DATA as lines with the Hub's columns."""
    piqa = [json.loads(line) for line in open(f"{DATA}/piqa-valid.jsonl")]
    labels = [int(line) for line in open(f"{DATA}/piqa-valid-labels.lst")]
    mmlu = list(csv.DictReader(open(f"{DATA}/mmlu/abstract_algebra_test.csv")))
    gsm8k = [json.loads(line) for line in open(f"{DATA}/gsm8k-test.jsonl")]
    bbh = json.load(open(f"{DATA}/bbh-boolean_expressions.json"))["examples"]
    files = {
        "piqa": lines(f"{folder}/piqa.jsonl", [{**row, "label": label} for row, label in zip(piqa, labels)]),
        "mmlu": lines(f"{folder}/mmlu.jsonl", [
            {"question": row["question"], "choices": [row[f"choice{i}"] for i in range(4)],
             "answer": int(row["answer"])} for row in mmlu]),
        "gsm8k": lines(f"{folder}/gsm8k.jsonl", gsm8k),
        "bbh": lines(f"{folder}/bbh.jsonl", bbh),
    }
    return [
        ("piqa", {"validation": files["piqa"]}, 0, 50, None),
        ("mmlu_abstract_algebra", {"test": files["mmlu"]}, 0, 50, None),
        ("gsm8k", {"test": files["gsm8k"], "train": files["gsm8k"]}, 5, 5, 64),
        ("bbh_cot_fewshot_boolean_expressions", {"test": files["bbh"]}, 3, 5, 64),
    ]


def measure(model, name, files, shots, limit, longest):
    config = dict(load_yaml(INDEX[name].yaml_path, resolve_func=True))
    config.update(dataset_path="json", dataset_name=None, dataset_kwargs={"data_files": files}, num_fewshot=shots)
    for split in ("training_split", "validation_split", "test_split", "fewshot_split"):
        if config.get(split) is not None and config[split] not in files:
            config.pop(split)
    if longest:
        config["generation_kwargs"] = {**config["generation_kwargs"], "max_gen_toks": longest}
    task = ConfigurableTask(config=config)
    out = lm_eval.simple_evaluate(model=model, tasks=[task], limit=limit, log_samples=True, bootstrap_iters=0)
    samples = sorted(out["samples"][name], key=lambda sample: sample["doc_id"])
    scores = {key: value for key, value in out["results"][name].items() if isinstance(value, float)}
    texts = config["output_type"] == "generate_until"
    ids = sorted({sample["doc_id"] for sample in samples})
    items = []
    for i in ids:
        sample = next(one for one in samples if one["doc_id"] == i)
        context = sample["arguments"][0][0] if not isinstance(sample["arguments"], dict) else \
            sample["arguments"]["gen_args_0"]["arg_0"]
        item = {"context": hashlib.sha256(context.encode()).hexdigest()[:12]}
        if texts:
            item["text"] = sample["resps"][0][0]
            item["correct"] = {one["filter"]: one["exact_match"] for one in samples if one["doc_id"] == i}
        else:
            item["loglikelihoods"] = [round(float(resp[0][0]), 5) for resp in sample["resps"]]
        items.append(item)
    return {"task": name, "fewshot": shots, "limit": limit, "maxTokens": longest, "scores": scores, "items": items}


out = []
with tempfile.TemporaryDirectory() as folder:
    models = {"tinyworld": "models/tinyworld"}
    if DATA:
        models["stories260K"] = f"{sys.argv[1]}/models/stories260K"
    for name, path in models.items():
        model = HFLM(pretrained=path, device="cpu", dtype="float32", batch_size=1)
        for case in CASES + (shared(folder) if DATA else []):
            out.append({"model": name, **measure(model, *case)})
print(json.dumps(out, indent=None, separators=(",", ":")).replace('{"model"', '\n{"model"'))
