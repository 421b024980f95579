"""Perplexity a word of lm-evaluation-harness 0.4.13's wikitext task, by its hf model on a CPU.

    python tests/golden/make_words.py > tests/golden/words.json

pip install lm-eval==0.4.13 (and torch 2.13, transformers 5.24)."""
import json, os, re, tempfile
os.environ.update(HF_HUB_OFFLINE="1", HF_DATASETS_OFFLINE="1", HF_DATASETS_CACHE=tempfile.mkdtemp())
import lm_eval
from lm_eval.api.task import ConfigurableTask
from lm_eval.models.huggingface import HFLM
from lm_eval.tasks import TaskManager
from lm_eval.tasks._yaml_loader import load_yaml

text = open("tests/golden/tasks/wikitext-2.txt").read()
starts = [found.start() for found in re.finditer(r"^ = [^=\n]+ = $", text, re.M)]
pages = [text[a:b] for a, b in zip(starts, starts[1:] + [len(text)])]
out = []
with tempfile.TemporaryDirectory() as folder:
    with open(f"{folder}/pages.jsonl", "w") as file:
        file.writelines(json.dumps({"page": page}) + "\n" for page in pages)
    config = dict(load_yaml(TaskManager().task_index["wikitext"].yaml_path, resolve_func=True))
    config.update(dataset_path="json", dataset_name=None, dataset_kwargs={"data_files": {"test": f"{folder}/pages.jsonl"}})
    for split in ("training_split", "validation_split"):
        config.pop(split)
    for context in (512, 64):
        model = HFLM(pretrained="models/tinyworld", device="cpu", dtype="float32", batch_size=1, max_length=context)
        task = ConfigurableTask(config=config)
        result = lm_eval.simple_evaluate(model=model, tasks=[task], log_samples=True, bootstrap_iters=0)
        samples = sorted(result["samples"]["wikitext"], key=lambda sample: sample["doc_id"])
        out.append({"context": context, "perplexity": result["results"]["wikitext"]["word_perplexity,none"],
                    "pages": [{"nats": -sample["filtered_resps"][0], "words": sample["word_perplexity"][1]} for sample in samples]})
print(json.dumps(out, indent=1))
