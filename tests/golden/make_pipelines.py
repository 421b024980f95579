"""Encodes and decodes with the tokenizers library, in every way that tokenizer.json can ask for, to hold ours against.

    python tests/golden/make_pipelines.py

Writes tests/golden/pipelines.json.gz: `strings`; `vocabularies`, models of tokenizer.json that several share; and `pipelines`, each
a tokenizer.json whose model is a name of these, with the first 8 hexadecimal digits of the SHA-256 of each string's ids (with commas
between, or "error"), and `texts`: random ids and the digits of what they decode to, with and without special tokens.
"""

import base64
import gzip
import hashlib
import json
import os
import random
import sys

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from make_tokenizers import strings

HERE = os.path.dirname(os.path.abspath(__file__))
QWEN = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
LLAMA3 = QWEN.replace(r"|\p{N}|", r"|\p{N}{1,3}|")
GPT4O = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
TEXTS = strings()[::4]
TEXTS += ["a<|im_start|>user b", "<s>a</s>", " <s> a", "x<pad>y <pad> z", "the<mask>", "<mask> the", "  <mask>  ", "Straße İ ΑΣ ὈΔΥΣΣΕΎΣ",
          "\u1e9b\u0323 \ufb03 \u2460 \u00bd ｆｕｌｌ ﷺ", "한국어 각", "café cafe\u0301 \u212b", "１２３ ⅷ ٣", "a\u00adb\u200dc", "\u0085\u00a0\u3000x",
          "don't DON'T I'LL", "1234567 12 1", "a\r\n\r\nb\n", "\ud7ff\ue000\uffff", "tab\there", "_under_score_ foo-bar", "ＡＢ\u3099か\u3099"]
TRAIN = [text for text in strings() for _ in range(2)]


def trained(model, trainer, pre=None, normalizer=None):
    tokenizer = Tokenizer(model)
    if pre is not None:
        tokenizer.pre_tokenizer = pre
    if normalizer is not None:
        tokenizer.normalizer = normalizer
    tokenizer.train_from_iterator(TRAIN, trainer)
    return json.loads(tokenizer.to_str())["model"]


def vocabularies():
    byte_level = trained(models.BPE(), trainers.BpeTrainer(vocab_size=700, show_progress=False, initial_alphabet=pre_tokenizers.ByteLevel.alphabet()),
                         pre_tokenizers.ByteLevel(add_prefix_space=False))
    bytes_ = [f"<0x{i:02X}>" for i in range(256)]
    spm = trained(models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True),
                  trainers.BpeTrainer(vocab_size=800, show_progress=False, special_tokens=["<unk>", "<s>", "</s>", *bytes_], limit_alphabet=120),
                  pre_tokenizers.Metaspace())
    spaced = trained(models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True),
                     trainers.BpeTrainer(vocab_size=500, show_progress=False, special_tokens=["<unk>", "<s>", "</s>", *bytes_], limit_alphabet=60, max_token_length=8),
                     None, normalizers.Replace(" ", "▁"))
    plain = trained(models.BPE(unk_token="[UNK]"), trainers.BpeTrainer(vocab_size=300, show_progress=False, special_tokens=["[UNK]"], limit_alphabet=80),
                    pre_tokenizers.Whitespace())
    ended = trained(models.BPE(unk_token="[UNK]", end_of_word_suffix="</w>"), trainers.BpeTrainer(vocab_size=300, show_progress=False, special_tokens=["[UNK]"], end_of_word_suffix="</w>", limit_alphabet=80),
                    pre_tokenizers.Whitespace())
    uni = trained(models.Unigram(), trainers.UnigramTrainer(vocab_size=500, show_progress=False, special_tokens=["<unk>", "<s>", "</s>"], unk_token="<unk>"), pre_tokenizers.Metaspace())
    uni_bytes = json.loads(json.dumps(uni))
    uni_bytes["vocab"] += [[byte, -20.0] for byte in bytes_]
    uni_bytes["byte_fallback"] = True
    piece = trained(models.WordPiece(unk_token="[UNK]"), trainers.WordPieceTrainer(vocab_size=400, show_progress=False, special_tokens=["[UNK]", "[CLS]", "[SEP]"], limit_alphabet=100), pre_tokenizers.BertPreTokenizer())
    level = trained(models.WordLevel(unk_token="[UNK]"), trainers.WordLevelTrainer(vocab_size=200, show_progress=False, special_tokens=["[UNK]"]), pre_tokenizers.Whitespace())
    return {"byte_level": byte_level, "spm": spm, "spaced": spaced, "plain": plain, "ended": ended, "unigram": uni, "unigram_bytes": uni_bytes, "wordpiece": piece, "wordlevel": level}


def part(made):
    """A component as tokenizer.json has it."""
    return None if made is None else json.loads(made.__getstate__())


def charsmap():
    """A small character map: half-width forms and ligatures, as sentencepiece builds them."""
    import sentencepiece as spm
    import io
    model = io.BytesIO()
    spm.SentencePieceTrainer.train(sentence_iterator=iter(TRAIN), model_writer=model, vocab_size=600, model_type="unigram", normalization_rule_name="nmt_nfkc", minloglevel=2)
    from sentencepiece import sentencepiece_model_pb2 as pb
    proto = pb.ModelProto()
    proto.ParseFromString(model.getvalue())
    return {"type": "Precompiled", "precompiled_charsmap": base64.b64encode(proto.normalizer_spec.precompiled_charsmap).decode()}


def pipelines():
    bl = pre_tokenizers.ByteLevel
    split = lambda pattern, how, invert=False: pre_tokenizers.Split(Regex(pattern) if isinstance(pattern, str) and not pattern.startswith("=") else pattern[1:], how, invert)
    llama_decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)])
    special = [AddedToken("<|im_start|>", special=True, normalized=False), AddedToken("<pad>", special=True), AddedToken("<mask>", lstrip=True, special=True), AddedToken("foo_bar", normalized=True), AddedToken("user", single_word=True), AddedToken("é", rstrip=True, normalized=True)]
    template = lambda ids: {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "</s>", "type_id": 0}}], "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}], "special_tokens": {"<s>": {"id": "<s>", "ids": [ids[0]], "tokens": ["<s>"]}, "</s>": {"id": "</s>", "ids": [ids[1], ids[1]], "tokens": ["</s>", "</s>"]}}}
    out = []

    def add(name, model, pre=None, normalizer=None, decoder=None, added=(), post=None):
        out.append({"name": name, "model": model, "pre_tokenizer": part(pre) if not isinstance(pre, dict) else pre, "normalizer": normalizer if isinstance(normalizer, dict) else part(normalizer), "decoder": part(decoder), "added": added, "post_processor": post})

    for prefix in [False, True]:
        add(f"GPT-2, prefix {prefix}", "byte_level", bl(add_prefix_space=prefix), None, decoders.ByteLevel(), special)
    for name, pattern in {"Qwen": QWEN, "Llama 3": LLAMA3, "GPT-4o": GPT4O}.items():
        pre = pre_tokenizers.Sequence([split(pattern, "isolated"), bl(add_prefix_space=False, use_regex=False)])
        add(name, "byte_level", pre, normalizers.NFC() if name == "Qwen" else None, decoders.ByteLevel(), special)
    add("StarCoder: digits first", "byte_level", pre_tokenizers.Sequence([pre_tokenizers.Digits(True), bl(add_prefix_space=False)]), None, decoders.ByteLevel())
    add("Falcon: punctuation, digits in threes", "byte_level", pre_tokenizers.Sequence([pre_tokenizers.Punctuation("contiguous"), bl(add_prefix_space=False), pre_tokenizers.Digits(False), split(r"[0-9][0-9][0-9]", "isolated")]), None, decoders.ByteLevel())
    add("DeepSeek: scripts apart", "byte_level", pre_tokenizers.Sequence([split(r"\p{N}{1,3}", "isolated"), split(r"[一-龥぀-ゟ゠-ヿ]+", "isolated"), split(r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+", "isolated"), bl(add_prefix_space=False, use_regex=False)]), None, decoders.ByteLevel())
    for how in ["removed", "isolated", "merged_with_previous", "merged_with_next", "contiguous"]:
        for invert in [False, True]:
            add(f"split at spaces and letters, {how}, {invert}", "byte_level", pre_tokenizers.Sequence([split(r"\s|[aeiou]", how, invert), bl(add_prefix_space=False, use_regex=False)]), None, decoders.ByteLevel())
    add("split at a string", "byte_level", pre_tokenizers.Sequence([split("= ", "merged_with_next"), bl(False, use_regex=False)]), None, decoders.ByteLevel())
    for scheme in ["always", "first", "never"]:
        for whole in [True, False]:
            add(f"Metaspace {scheme}, split {whole}", "spm", pre_tokenizers.Metaspace(prepend_scheme=scheme, split=whole), None, decoders.Metaspace(prepend_scheme=scheme), special)
    add("Llama 2", "spaced", None, normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]), llama_decoder, special, template([1, 2]))
    add("Gemma", "spaced", split("= ", "merged_with_previous"), normalizers.Replace(" ", "▁"), decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]))
    add("Llama 2 as bytes alone", "spm", None, None, decoders.Sequence([decoders.ByteFallback(), decoders.Strip("a", 1, 0)]))
    add("T5", "unigram", pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()]), normalizers.Sequence([normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")]), decoders.Metaspace(), special, template([1, 2]))
    add("a unigram model of whole texts", "unigram", None, normalizers.Replace(" ", "▁"), decoders.Metaspace())
    add("a unigram model with bytes", "unigram_bytes", pre_tokenizers.Metaspace(), None, llama_decoder)
    add("XLM-R: a character map", "unigram", pre_tokenizers.Metaspace(), charsmap(), decoders.Metaspace())
    add("BERT", "wordpiece", pre_tokenizers.BertPreTokenizer(), normalizers.BertNormalizer(), decoders.WordPiece(), [], {"type": "BertProcessing", "sep": ["[SEP]", 2], "cls": ["[CLS]", 1]})
    add("BERT, cased", "wordpiece", pre_tokenizers.BertPreTokenizer(), normalizers.BertNormalizer(lowercase=False, strip_accents=None), decoders.WordPiece(cleanup=False))
    add("RoBERTa's surroundings", "byte_level", bl(False), None, decoders.ByteLevel(), [], {"type": "RobertaProcessing", "sep": ["b", 5], "cls": ["a", 4], "trim_offsets": True, "add_prefix_space": False})
    add("words", "wordlevel", pre_tokenizers.Whitespace(), normalizers.Lowercase(), None)
    add("ends of words", "ended", pre_tokenizers.Whitespace(), normalizers.Sequence([normalizers.NFD(), normalizers.StripAccents(), normalizers.Lowercase(), normalizers.Strip()]), decoders.BPEDecoder())
    add("unknown letters", "plain", pre_tokenizers.Punctuation(), normalizers.NFKD(), decoders.Fuse())
    add("a character that divides", "plain", pre_tokenizers.CharDelimiterSplit("e"), normalizers.Strip(left=True, right=False), None)
    add("bytes by a normalizer", "byte_level", None, normalizers.Sequence([normalizers.NFC(), normalizers.ByteLevel()]), decoders.ByteLevel())
    return out


def digits(value):
    return hashlib.sha256(value.encode()).hexdigest()[:8]


def main():
    vocabulary = vocabularies()
    made = []
    draw = random.Random(7)
    for pipe in pipelines():
        model = vocabulary[pipe["model"]]
        json_ = {"version": "1.0", "truncation": None, "padding": None, "added_tokens": [], "normalizer": pipe["normalizer"], "pre_tokenizer": pipe["pre_tokenizer"], "post_processor": pipe["post_processor"], "decoder": pipe["decoder"], "model": model}
        tokenizer = Tokenizer.from_str(json.dumps(json_))
        if pipe["added"]:
            tokenizer.add_tokens(pipe["added"])
            tokenizer.add_special_tokens([token for token in pipe["added"] if token.special])
        whole = json.loads(tokenizer.to_str())
        whole["model"] = pipe["model"]

        def ids_of(text):
            try:
                return ",".join(map(str, tokenizer.encode(text).ids))
            except Exception:
                return "error"

        size = tokenizer.get_vocab_size()
        texts = []
        for _ in range(60):
            ids = [draw.randrange(size) for _ in range(draw.randrange(1, 9))]
            if pipe["model"] in ("spm", "spaced") and draw.random() < 0.6:
                ids[len(ids) // 2:len(ids) // 2] = [3 + byte for byte in draw.choice(["é", "🙂", "日本", "\u00ff"]).encode()[: draw.randrange(1, 5)]]
            texts.append([ids, digits(tokenizer.decode(ids)), digits(tokenizer.decode(ids, skip_special_tokens=False))])
        made.append({"name": pipe["name"], "json": whole, "hashes": "".join(digits(ids_of(text)) for text in TEXTS), "texts": texts})
    golden = {"strings": TEXTS, "vocabularies": vocabulary, "pipelines": made}
    data = json.dumps(golden, ensure_ascii=True, separators=(",", ":")).encode()
    with open(os.path.join(HERE, "pipelines.json.gz"), "wb") as file:
        file.write(gzip.compress(data, mtime=0))
    print(f"{len(made)} pipelines, {len(TEXTS)} strings, {len(data)} bytes")


if __name__ == "__main__":
    main()
