"""
Writes tests/golden/gguf/vocabulary.json: a byte-level vocabulary in which words are merged across any border, so that
ids show how a text was split; what the Rust tokenizers make of the texts by some models' own patterns, where llama.cpp's
pattern is not quite that (it has no classes of upper and lower case, and takes all white space for one character); and, in a folder, a GGUF file of it for each pre-tokenizer, for make_llama_cpp.mjs.

    python tests/golden/make_gguf_vocabulary.py TEXTS.json FOLDER PRE …

TEXTS.json is what `deno run tests/golden/gguf_texts.ts --plain` prints: llama.cpp knows special tokens by their looks. Needs gguf, tokenizers.
"""

import json
import sys
from collections import Counter
from pathlib import Path

import gguf
from make_gguf import byte_characters
from tokenizers import Regex, Tokenizer, models, pre_tokenizers

MERGES = 1500
LONGEST = 12


def train(texts: list) -> tuple:
    """Byte-pair encoding of whole texts, without words."""
    characters = byte_characters()
    sequences = [[characters[byte] for byte in text.encode()] for text in texts]
    tokens, merges = list(characters), []
    for _ in range(MERGES):
        neighbours = (pair for sequence in sequences for pair in zip(sequence, sequence[1:]))
        pairs = Counter((left, right) for left, right in neighbours if len(left) + len(right) <= LONGEST)
        if not pairs:
            break
        # Ties by text: the same in any run.
        left, right = max(pairs.items(), key=lambda item: (item[1], item[0]))[0]
        merges.append(f"{left} {right}")
        if left + right not in tokens:
            tokens.append(left + right)
        for sequence in sequences:
            i = 0
            while i + 1 < len(sequence):
                if sequence[i] == left and sequence[i + 1] == right:
                    sequence[i : i + 2] = [left + right]
                i += 1
    return tokens, merges


def write(path: Path, pre: str, tokens: list, merges: list) -> None:
    writer = gguf.GGUFWriter(str(path), "llama")
    writer.add_context_length(64)
    writer.add_embedding_length(32)
    writer.add_block_count(1)
    writer.add_feed_forward_length(32)
    writer.add_head_count(2)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("gpt2")
    if pre != "absent":
        writer.add_tokenizer_pre(pre)
    writer.add_token_list(tokens)
    writer.add_token_merges(merges)
    writer.add_token_types([1] * len(tokens))
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(0)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


UPPER, LOWER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
ENDING = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
REST = r"| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
CHINESE = "[\u4e00-\u9fa5\u0800-\u4e00\uac00-\ud7ff]+"
# Patterns of the models' own tokenizer.json: OpenAI's o200k_base, Mistral's tekken, DeepSeek's.
OWN = {
    "gpt-4o": [
        rf"[^\r\n\p{{L}}\p{{N}}]?{UPPER}*{LOWER}+{ENDING}|[^\r\n\p{{L}}\p{{N}}]?{UPPER}+{LOWER}*{ENDING}|\p{{N}}{{1,3}}{REST}"
    ],
    "tekken": [
        rf"[^\r\n\p{{L}}\p{{N}}]?{UPPER}*{LOWER}+|[^\r\n\p{{L}}\p{{N}}]?{UPPER}+{LOWER}*|\p{{N}}{REST}"
    ],
    "deepseek-coder": [r"[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+", CHINESE, r"\p{N}"],
}


def by_rust(name: str, texts: list, tokens: list, merges: list) -> list:
    """Ids by the Rust tokenizers."""
    pairs = [tuple(merge.split(" ")) for merge in merges]
    vocabulary = {token: id for id, token in enumerate(tokens)}
    # These take a word that is a token as it is.
    tokenizer = Tokenizer(models.BPE(vocabulary, pairs, ignore_merges=name == "tekken"))
    splits = [pre_tokenizers.Split(Regex(pattern), "isolated") for pattern in OWN[name]]
    last = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([*splits, last])
    return [tokenizer.encode(text).ids for text in texts]


if __name__ == "__main__":
    file, folder, *names = sys.argv[1:]
    texts = json.loads(Path(file).read_text())
    tokens, merges = train(texts)
    own = {name: by_rust(name, texts, tokens, merges) for name in OWN}
    golden = {"made_by": "make_gguf_vocabulary.py, tokenizers", "tokens": tokens, "merges": merges, "own": own}
    Path(__file__).with_name("gguf").joinpath("vocabulary.json").write_text(json.dumps(golden, ensure_ascii=False) + "\n")
    Path(folder).mkdir(exist_ok=True)
    for name in names:
        write(Path(folder) / f"{name}.gguf", name, tokens, merges)
    print(len(tokens), len(merges))
