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
/** DeepSeek's letters of alphabets that have two cases. */
const DEEPSEEK_LETTERS =
  r`\s?[A-Za-zµÀ-ÖØ-öø-ƺƼ-ƿǄ-ʓʕ-ʯͰ-ͳͶͷͻ-ͽͿΆΈ-ΊΌΎ-ΡΣ-ϵϷ-ҁҊ-ԯԱ-ՖႠ-ჅᎠ-Ᏽᏸ-ᏽᲐ-ᲺᲽ-Ჿᴀ-ᴫᵫ-ᵷᵹ-ᶚḀ-ἕἘ-Ἕἠ-ὅὈ-Ὅὐ-ὗὙὛὝὟ-ώᾀ-ᾴᾶ-ᾼιῂ-ῄῆ-ῌῐ-ΐῖ-Ίῠ-Ῥῲ-ῴῶ-ῼℂℇℊ-ℓℕℙ-ℝℤΩℨK-ℭℯ-ℴℹℼ-ℿⅅ-ⅉⅎↃↄⰀ-ⱻⱾ-ⳤⳫ-ⳮⳲⳳꙀ-ꙭꚀ-ꚛꜢ-ꝯꝱ-ꞇꞋ-ꞎꭰ-ꮿﬀ-ﬆﬓ-ﬗＡ-Ｚａ-ｚ𐐀-𐑏𐒰-𐓓𐓘-𐓻𐲀-𐲲𐳀-𐳲𑢠-𑣟𞤀-𞥃]+`;
const CHINESE = r`[一-龥ࠀ-一가-퟿]+`;
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
const deepseek3 = pre([r`\p{N}{1,3}`, r`[一-龥぀-ゟ゠-ヿ]+`, DEEPSEEK3]);
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
      ...[r`[\r\n]`, DEEPSEEK_LETTERS, r`\s?[!-/:-~！-／：-～‘-‟　-。]+`, r`\s+$`, CHINESE, r`\p{N}+`],
    ]),
  ],
  ["deepseek-coder", pre([r`[\r\n]`, r`\s?\p{L}+`, r`\s?\p{P}+`, CHINESE, r`\p{N}`])],
  ...named(["deepseek-v3", "hunyuan-dense", "joyai-llm"], deepseek3),
  ["tekken", pre([gpt4o({ digits: r`\p{N}`, ending: "" })], { ignoreMerges: true, bos: true })],
  ...named(["gpt-4o", "llama4", "kanana2"], pre([gpt4o({ digits: r`\p{N}{1,3}`, ending: `${ENDING}?` })])),
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
