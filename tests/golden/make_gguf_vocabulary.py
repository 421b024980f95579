"""
Writes tests/golden/gguf/vocabulary.json: a byte-level vocabulary in which words are merged across any border, so that
ids show how a text was split; and, in a folder, a GGUF file of it for each pre-tokenizer, for make_llama_cpp.mjs.

    python tests/golden/make_gguf_vocabulary.py TEXTS.json FOLDER PRE …

TEXTS.json is what `deno run tests/golden/gguf_texts.ts` prints. Needs gguf.
"""

import json
import sys
from collections import Counter
from pathlib import Path

import gguf
from make_gguf import byte_characters

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


if __name__ == "__main__":
    file, folder, *names = sys.argv[1:]
    tokens, merges = train(json.loads(Path(file).read_text()))
    golden = {"made_by": "make_gguf_vocabulary.py", "tokens": tokens, "merges": merges}
    Path(__file__).with_name("gguf").joinpath("vocabulary.json").write_text(json.dumps(golden, ensure_ascii=False) + "\n")
    Path(folder).mkdir(exist_ok=True)
    for name in names:
        write(Path(folder) / f"{name}.gguf", name, tokens, merges)
    print(len(tokens), len(merges))
