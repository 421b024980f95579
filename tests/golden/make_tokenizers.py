"""Writes the token ids that Python gives for 1,000 mixed strings, to hold our tokenizers against.

    python tests/golden/make_tokenizers.py FOLDER    # with llama2, gpt2, opt, gpt_neox_pythia and mistral, which are not in the project

Writes tests/golden/tokenizers.json.gz: `strings`, and for each tokenizer the first 8 hexadecimal digits of the SHA-256 of
each string's ids, written with commas between them, and the number of ids in all. mistral is a SentencePiece model alone, which
the sentencepiece library knows no special tokens of: strings with one have no digits but "--------".
"""

import gzip
import hashlib
import json
import os
import random
import sys

from sentencepiece import SentencePieceProcessor
from tokenizers import Tokenizer
from transformers import GPT2Tokenizer

HERE = os.path.dirname(os.path.abspath(__file__))
PIECES = [
    *"the of and to in a is that it was for on are as with his they at be this from I have or by one had not but".split(),
    *"Hello HELLO hello don't can't we'll I'm they've you're he'd it's DON'T IT'S".split(),
    *"naïve café Füße São coöperate Ångström ﬁne ½ ² Ⅷ ℌ e\u0301 A\u030a o\u0308".split(),
    *"日本語 한국어 中文字符 Привет мир مرحبا שלום नमस्ते สวัสดี Ελληνικά".split(),
    *"🙂 🚀 👩‍👩‍👧‍👦 🇩🇪 👍🏽 ❤️ 🏳️‍🌈 𝒳 𐍈 𓀀 \U0001f9ff".split(),
    *"≤ ≠ € £ ¥ … – — “ ” ‘ ’ « » • ™ © ° ± × ÷ ∑ √ ∞".split(),
    *"0 1 12 345 6789 3.14159 1,000,000 2024-05-06 0x1F 1e-5 50% $9.99 ²³".split(),
    *"def return lambda x: print(f\"{x}\") == != -> => :: // /* */ <!-- --> </div> {}[]() a[i]++; foo_bar fooBar __init__".split(),
    *"https://example.com/a?b=c&d=%20 user@mail.org C:\\Users\\x ../a/b.txt #tag @name".split(),
    *"<s> </s> <unk> <pad> <|endoftext|> <|padding|> <mask> [INST] <0x0A> ▁ Ġ Ċ".split(),
    *"supercalifragilisticexpialidocious Donaudampfschifffahrtsgesellschaft aaaaaaaaaaaaaaaa zzzz qqq".split(),
    "\u200b", "\u00a0", "\u3000", "\ufeff", "\u0000", "\u007f", "\u0085", "\u2028",
]
GAPS = ["", " ", " ", " ", " ", "  ", "   ", "        ", "\n", "\n\n", "\t", "\r\n", " \n ", ", ", ". ", "! ", "?", "-", "/"]


def strings():
    draw = random.Random(20240607)
    made = ["", " ", "  ", "\n", "a", " a", "a ", "\t\t", "🙂", "\u0000", "  leading", "trailing  ", *PIECES]
    while len(made) < 1000:
        text = ""
        for _ in range(draw.randint(1, 14)):
            text += draw.choice(PIECES) + draw.choice(GAPS)
        made.append(text)
    return made[:1000]


def digits(ids):
    return "--------" if ids is None else hashlib.sha256(",".join(map(str, ids)).encode()).hexdigest()[:8]


def main(folder):
    def load(name):
        return Tokenizer.from_file(os.path.join(folder, name, "tokenizer.json"))

    encode = {
        "llama2": lambda text, t=load("llama2"): t.encode(text).ids,
        "gpt_neox_pythia": lambda text, t=load("gpt_neox_pythia"): t.encode(text).ids,
    }
    for name in ["gpt2", "opt"]:
        made = GPT2Tokenizer.from_pretrained(os.path.join(folder, name))
        encode[name] = lambda text, t=made: t(text)["input_ids"]
    pieces = SentencePieceProcessor(model_file=os.path.join(folder, "mistral", "tokenizer.model.v1"))
    special = ["<s>", "</s>", "<unk>"]
    encode["mistral"] = lambda text: None if any(one in text for one in special) else [1, *pieces.encode(text)]
    texts = strings()
    golden = {"strings": texts, "tokenizers": {}}
    for name, ids_of in encode.items():
        ids = [ids_of(text) for text in texts]
        hashes = [digits(one) for one in ids]
        golden["tokenizers"][name] = {"hashes": "".join(hashes), "count": sum(len(one) for one in ids if one)}
        print(f"{name}: {golden['tokenizers'][name]['count']} ids")
        if os.environ.get("ANY4_IDS"):
            with open(os.path.join(os.environ["ANY4_IDS"], f"{name}.json"), "w") as file:
                json.dump(ids, file)
    data = json.dumps(golden, ensure_ascii=False, separators=(",", ":")).encode()
    with open(os.path.join(HERE, "tokenizers.json.gz"), "wb") as file:
        file.write(gzip.compress(data, mtime=0))


if __name__ == "__main__":
    main(sys.argv[1])
