/**
 * What splits a text into the words that byte-level BPE merges, by `tokenizer.ggml.pre`.
 *
 * Patterns are those of the models' own tokenizer.json; llama.cpp's (llama-vocab.cpp), which has no classes of letters
 * for upper and lower case, differ for some letters beyond ASCII in "gpt-4o" and "tekken".
 *
 * @module
 */

/** How one model's words are found. */
export interface PreTokenizer {
  /** Patterns, each of which splits what those before left, and what lies between its matches. */
  readonly patterns: readonly string[];
  /** Whether a whole word that is a token is taken as it is. */
  readonly ignoreMerges: boolean;
  /** Whether a text begins with a BOS where the file does not say. */
  readonly bos: boolean;
}

const r = String.raw;

/** Endings of English words. */
const ENDING = r`(?i:'s|'t|'re|'ve|'m|'ll|'d)`;
/** White space; the last of what stands before a word goes to the word. */
const SPACE = r`\s*[\r\n]+|\s+(?!\S)|\s+`;
/** OpenAI's first pattern (gpt-2, encoder.py). */
const GPT2 = r`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`;
/** OpenAI's second (tiktoken, cl100k_base), with digits as given. */
const gpt4 = (digits: string) =>
  r`${ENDING}|[^\r\n\p{L}\p{N}]?\p{L}+|${digits}| ?[^\s\p{L}\p{N}]+[\r\n]*|${SPACE}`;
/** OpenAI's third (tiktoken, o200k_base): words end where upper case begins. */
const gpt4o = (options: { digits: string; ending: string }) => {
  const [upper, lower] = [r`[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]`, r`[\p{Ll}\p{Lm}\p{Lo}\p{M}]`];
  const { digits, ending } = options;
  return r`[^\r\n\p{L}\p{N}]?${upper}*${lower}+${ending}|[^\r\n\p{L}\p{N}]?${upper}+${lower}*${ending}|` +
    r`${digits}| ?[^\s\p{L}\p{N}]+[\r\n/]*|${SPACE}`;
};
/** ASCII's punctuation before a word, letters with their marks, punctuation and symbols. */
const DEEPSEEK3 = r`[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_${"`"}{|}~][A-Za-z]+|` +
  r`[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|${SPACE}`;
/** The inside of a class of characters: first and last code points of ranges. */
const ranges = (...bounds: readonly number[]) =>
  bounds.map((code, i) => (i % 2 === 1 ? "-" : "") + String.fromCodePoint(code)).join("");
/** DeepSeek's letters: of alphabets that have two cases. */
// deno-fmt-ignore
const TWO_CASES = ranges(
  0x41, 0x5a, 0x61, 0x7a, 0xb5, 0xb5, 0xc0, 0xd6, 0xd8, 0xf6, 0xf8, 0x1ba, 0x1bc, 0x1bf, 0x1c4, 0x293, 0x295, 0x2af,
  0x370, 0x373, 0x376, 0x377, 0x37b, 0x37d, 0x37f, 0x37f, 0x386, 0x386, 0x388, 0x38a, 0x38c, 0x38c, 0x38e, 0x3a1,
  0x3a3, 0x3f5, 0x3f7, 0x481, 0x48a, 0x52f, 0x531, 0x556, 0x10a0, 0x10c5, 0x13a0, 0x13f5, 0x13f8, 0x13fd,
  0x1c90, 0x1cba, 0x1cbd, 0x1cbf, 0x1d00, 0x1d2b, 0x1d6b, 0x1d77, 0x1d79, 0x1d9a, 0x1e00, 0x1f15, 0x1f18, 0x1f1d,
  0x1f20, 0x1f45, 0x1f48, 0x1f4d, 0x1f50, 0x1f57, 0x1f59, 0x1f59, 0x1f5b, 0x1f5b, 0x1f5d, 0x1f5d, 0x1f5f, 0x1f7d,
  0x1f80, 0x1fb4, 0x1fb6, 0x1fbc, 0x1fbe, 0x1fbe, 0x1fc2, 0x1fc4, 0x1fc6, 0x1fcc, 0x1fd0, 0x1fd3, 0x1fd6, 0x1fdb,
  0x1fe0, 0x1fec, 0x1ff2, 0x1ff4, 0x1ff6, 0x1ffc, 0x2102, 0x2102, 0x2107, 0x2107, 0x210a, 0x2113, 0x2115, 0x2115,
  0x2119, 0x211d, 0x2124, 0x2124, 0x2126, 0x2126, 0x2128, 0x2128, 0x212a, 0x212d, 0x212f, 0x2134, 0x2139, 0x2139,
  0x213c, 0x213f, 0x2145, 0x2149, 0x214e, 0x214e, 0x2183, 0x2184, 0x2c00, 0x2c7b, 0x2c7e, 0x2ce4, 0x2ceb, 0x2cee,
  0x2cf2, 0x2cf3, 0xa640, 0xa66d, 0xa680, 0xa69b, 0xa722, 0xa76f, 0xa771, 0xa787, 0xa78b, 0xa78e, 0xab70, 0xabbf,
  0xfb00, 0xfb06, 0xfb13, 0xfb17, 0xff21, 0xff3a, 0xff41, 0xff5a, 0x10400, 0x1044f, 0x104b0, 0x104d3,
  0x104d8, 0x104fb, 0x10c80, 0x10cb2, 0x10cc0, 0x10cf2, 0x118a0, 0x118df, 0x1e900, 0x1e943,
);
const CHINESE = `[${ranges(0x4e00, 0x9fa5, 0x800, 0x4e00, 0xac00, 0xd7ff)}]+`;
/** ASCII's punctuation, and that of East Asian texts. */
const EAST_ASIAN_MARKS = r`!-/:-~${ranges(0xff01, 0xff0f, 0xff1a, 0xff5e, 0x2018, 0x201f, 0x3000, 0x3002)}`;
const KANA = `[${ranges(0x4e00, 0x9fa5, 0x3040, 0x309f, 0x30a0, 0x30ff)}]+`;
/** BLOOM's words: all up to white space and marks that end sentences in some scripts. */
const BLOOM = r` ?[^(\s|.,!?${String.fromCodePoint(0x2026, 0x3002, 0xff0c, 0x3001, 0x964, 0x6d4, 0x60c)})]+`;
const PUNCTUATION = r`[\p{P}$+<=>\^~|${"`"}]+`;

interface Options {
  readonly ignoreMerges?: boolean;
  readonly bos?: boolean;
}

function pre(patterns: readonly string[], { ignoreMerges = false, bos = false }: Options = {}): PreTokenizer {
  return { patterns, ignoreMerges, bos };
}

const gpt2 = pre([GPT2]);
const digitByDigit = pre([r`\p{N}`, GPT2]);
const qwen2 = pre([gpt4(r`\p{N}`)]);
const llama3 = pre([gpt4(r`\p{N}{1,3}`)], { ignoreMerges: true, bos: true });
const deepseek3 = pre([r`\p{N}{1,3}`, KANA, DEEPSEEK3]);
const qwen35 = r`${ENDING}|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|${SPACE}`;

/** By what files call them. Only those of tokenizers that architectures of ours are used with. */
const PRE_TOKENIZERS: ReadonlyMap<string, PreTokenizer> = new Map([
  // As llama.cpp splits what it knows nothing of.
  ["default", pre([r`[\p{P}$+<=>\^~|]+`, GPT2, r`\p{N}+`, r`[0-9][0-9][0-9]`])],
  ...named(
    ["gpt-2", "phi-2", "mellum", "gigachat", "a.x-4.0", "olmo", "mpt", "jais", "trillion", "exaone4"],
    gpt2,
  ),
  ["granite-docling", gpt2],
  ...named(["smollm", "starcoder", "refact", "command-r", "codeshell", "exaone", "minerva-7b"], digitByDigit),
  ["mellum2", digitByDigit],
  ...named(
    ["llama3", "llama-v3", "llama-bpe", "falcon3", "falcon-h1", "pixtral", "midm-2.0", "lfm2"],
    llama3,
  ),
  ...named(["dbrx", "smaug-bpe", "glm4", "chatglm-bpe"], pre([gpt4(r`\p{N}{1,3}`)])),
  ...named(
    ["qwen2", "deepseek-r1-qwen", "kormo", "f2llmv2", "megrez", "stablelm2", "hunyuan", "grok-2"],
    qwen2,
  ),
  ["solar-open", qwen2],
  ["qwen35", pre([qwen35])],
  ["falcon", pre([PUNCTUATION, GPT2, r`[0-9][0-9][0-9]`])],
  [
    "deepseek-llm",
    pre([
      ...[r`[\r\n]`, r`\s?[${TWO_CASES}]+`, r`\s?[${EAST_ASIAN_MARKS}]+`, r`\s+$`, CHINESE, r`\p{N}+`],
    ]),
  ],
  ["deepseek-coder", pre([r`[\r\n]`, r`\s?\p{L}+`, r`\s?\p{P}+`, CHINESE, r`\p{N}`])],
  ...named(["deepseek-v3", "hunyuan-dense", "joyai-llm"], deepseek3),
  ["tekken", pre([gpt4o({ digits: r`\p{N}`, ending: "" })], { ignoreMerges: true, bos: true })],
  ...named(["gpt-4o", "llama4", "kanana2"], pre([gpt4o({ digits: r`\p{N}{1,3}`, ending: `${ENDING}?` })])),
  ["viking", pre([BLOOM, r`\p{N}`])],
  ...named(["poro-chat", "bloom", "gpt3-finnish"], pre([BLOOM])),
  ["minicpm5", pre([r`\p{N}{1,3}`, gpt4(r`\p{N}+`)], { ignoreMerges: true })],
  ["ufakzeka", pre([r`[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|${SPACE}`])],
  [
    "seed-coder",
    pre([r`${ENDING}|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}\r\n]+|${SPACE}`]),
  ],
]);

function named(names: readonly string[], tokenizer: PreTokenizer): [string, PreTokenizer][] {
  return names.map((name) => [name, tokenizer]);
}

/** The pre-tokenizer that a file asks for, or undefined. */
export function preTokenizer(name: string): PreTokenizer | undefined {
  return PRE_TOKENIZERS.get(name);
}

/** All names that are known. */
export function preTokenizerNames(): string[] {
  return [...PRE_TOKENIZERS.keys()];
}
