"""Writes folders of tokenizers' files and the ids that transformers' AutoTokenizer gives with them, to hold ours against.

    python tests/golden/make_tokenizer_folders.py

Writes tests/golden/tokenizer_folders.json.gz: `strings`; `files`, contents by name, binary ones in Base64; and `folders`, each with a
name, its files (a content's name, or the text itself), `ids` of each string, and `texts` that the ids decode to without special tokens.
"""

import base64
import gzip
import io
import json
import os
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import sentencepiece as spm
from make_pipelines import QWEN, TRAIN, trained
from make_tokenizers import strings
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import AutoTokenizer

HERE = os.path.dirname(os.path.abspath(__file__))
STRINGS = [text for text in strings()[10::9] if "<s>" not in text and "</s>" not in text] + [
    "x<|im_start|>user", "a <|im_end|> b", "caf\u0065\u0301 \u212b", "12345", "<tool>x</tool>", "a<pad>b", "<|endoftext|>x", "  two  spaces ", "\n\nline", "",
    "don't I'LL", "日本語🙂",
]


def added(content, special=True, **flags):
    return {"content": content, "lstrip": False, "normalized": False, "rstrip": False, "single_word": False, "special": special, **flags}


def main():
    byte_level = trained(models.BPE(), trainers.BpeTrainer(vocab_size=600, show_progress=False, initial_alphabet=pre_tokenizers.ByteLevel.alphabet()),
                         pre_tokenizers.ByteLevel(add_prefix_space=False))
    vocab = dict(byte_level["vocab"])
    vocab["<|endoftext|>"] = len(vocab)
    size = len(vocab)
    merges = "#version: 0.2\n" + "".join(f"{a} {b}\n" for a, b in byte_level["merges"])
    whole = Tokenizer(models.BPE(vocab=vocab, merges=[tuple(pair) for pair in byte_level["merges"]]))
    whole.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(QWEN), "isolated"), pre_tokenizers.ByteLevel(False, use_regex=False)])
    whole.decoder = decoders.ByteLevel()
    whole.add_special_tokens(["<|endoftext|>"])
    files = {"vocab.json": json.dumps(vocab), "merges.txt": merges, "tokenizer.json": whole.to_str()}
    pieces = {}
    for kind, options in {"bpe": {}, "unigram": {}, "extra": {"remove_extra_whitespaces": False, "user_defined_symbols": ["<tool>", "</tool>"]}, "no_prefix": {"add_dummy_prefix": False}}.items():
        model = io.BytesIO()
        spm.SentencePieceTrainer.train(sentence_iterator=iter(TRAIN), model_writer=model, vocab_size=700, model_type="unigram" if kind == "unigram" else "bpe",
                                       byte_fallback=True, minloglevel=2, normalization_rule_name="identity", **options)
        files[f"{kind}.model"] = base64.b64encode(model.getvalue()).decode()
        pieces[kind] = 700
    two = {"vocab.json": "vocab.json", "merges.txt": "merges.txt"}
    decoder = {str(size): added("<|im_start|>"), str(size + 1): added("<|im_end|>"), str(size + 2): added("<tool>", False)}
    config = lambda **given: {"tokenizer_config.json": json.dumps(given)}
    model_type = lambda name: {"config.json": json.dumps({"model_type": name})}
    folders = {
        "Qwen2's two files": {**two, **config(tokenizer_class="Qwen2Tokenizer")},
        "Qwen2's two files and added_tokens_decoder": {**two, **config(tokenizer_class="Qwen2Tokenizer", added_tokens_decoder=decoder, additional_special_tokens=["<|im_start|>", "<|im_end|>"], eos_token="<|im_end|>")},
        "Qwen2's two files, known by the model": {**two, **model_type("qwen2")},
        "Qwen2's two files and added_tokens.json": {**two, **config(tokenizer_class="Qwen2TokenizerFast", additional_special_tokens=["<|im_start|>"]), "added_tokens.json": json.dumps({"<|im_start|>": size, "<tool>": size + 1})},
        "GPT-2's two files": {**two, **config(tokenizer_class="GPT2Tokenizer")},
        "GPT-2's two files, known by the model": {**two, **model_type("gpt2")},
        "GPT-2's two files, BOS and a space first": {**two, **config(tokenizer_class="GPT2TokenizerFast", add_bos_token=True, add_prefix_space=True)},
        "GPT-2's two files and special_tokens_map.json": {**two, **config(tokenizer_class="GPT2Tokenizer"), "special_tokens_map.json": json.dumps({"pad_token": "<pad>", "eos_token": {**added("<|im_end|>"), "lstrip": True}, "additional_special_tokens": ["<|im_start|>"]})},
        "GPT-2's two files and added_tokens.json": {**two, **config(tokenizer_class="GPT2Tokenizer", pad_token="<pad>"), "added_tokens.json": json.dumps({"<pad>": size, "<|im_start|>": size + 1})},
        "tokenizer.json alone": {"tokenizer.json": "tokenizer.json", **config(tokenizer_class="PreTrainedTokenizerFast")},
        "tokenizer.json and added_tokens_decoder": {"tokenizer.json": "tokenizer.json", **config(tokenizer_class="PreTrainedTokenizerFast", added_tokens_decoder={str(size - 1): added("<|endoftext|>"), **decoder}, eos_token="<|im_end|>")},
        "tokenizer.json and a BOS": {"tokenizer.json": "tokenizer.json", **config(tokenizer_class="PreTrainedTokenizerFast", add_bos_token=True, add_eos_token=True, bos_token="<|endoftext|>", eos_token="<|im_end|>", pad_token="<pad>")},
        "tokenizer.json and special_tokens_map.json": {"tokenizer.json": "tokenizer.json", **config(tokenizer_class="PreTrainedTokenizerFast"), "special_tokens_map.json": json.dumps({"pad_token": "<pad>", "additional_special_tokens": ["<|im_start|>"]})},
    }
    for kind, count in pieces.items():
        more = {str(count): added("<|im_start|>"), str(count + 1): added("<|im_end|>")}
        folders[f"SentencePiece, {kind}"] = {"tokenizer.model": f"{kind}.model", **config(tokenizer_class="PreTrainedTokenizerFast", add_bos_token=True)}
        folders[f"SentencePiece, {kind}, and added_tokens_decoder"] = {"tokenizer.model": f"{kind}.model", **config(tokenizer_class="PreTrainedTokenizerFast", add_bos_token=True, add_eos_token=True, added_tokens_decoder={"1": added("<s>"), "2": added("</s>"), **more}, eos_token="<|im_end|>")}
        folders[f"SentencePiece, {kind}, and added_tokens.json"] = {"tokenizer.model": f"{kind}.model", **config(tokenizer_class="PreTrainedTokenizerFast", add_bos_token=False), "added_tokens.json": json.dumps({"<|im_start|>": count})}
    made = []
    for name, contents in folders.items():
        with tempfile.TemporaryDirectory() as folder:
            for file, content in contents.items():
                data = files.get(content, content)
                with open(os.path.join(folder, file), "wb") as out:
                    out.write(base64.b64decode(data) if content.endswith(".model") else data.encode())
            tokenizer = AutoTokenizer.from_pretrained(folder)
            ids = [tokenizer(text)["input_ids"] for text in STRINGS]
            made.append({"name": name, "files": contents, "ids": ids, "texts": [tokenizer.decode(one, skip_special_tokens=True) for one in ids]})
    data = json.dumps({"strings": STRINGS, "files": files, "folders": made}, ensure_ascii=True, separators=(",", ":")).encode()
    with open(os.path.join(HERE, "tokenizer_folders.json.gz"), "wb") as file:
        file.write(gzip.compress(data, mtime=0))
    print(f"{len(made)} folders, {len(STRINGS)} strings")


if __name__ == "__main__":
    main()
