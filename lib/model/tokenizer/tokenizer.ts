/**
 * Text to token ids and back, by a checkpoint's tokenizer.json.
 *
 * @module
 */
import { inspect } from "../../display.ts";
import { Template } from "npm:@huggingface/jinja@0.5.11";
import { Tokenizer as HubTokenizer } from "npm:@huggingface/tokenizers@0.2.0";
import { CheckpointError } from "../../errors.ts";
import { byteLevelTokenizer } from "./byte_level_tokenizer.ts";
import type { TokenizerFiles } from "../gguf/tokenizer.ts";
import { sentencePieceTokenizer } from "./sentencepiece.ts";
import { tokenText } from "./token_text.ts";
import { unicodeSpaces } from "./unicode_spaces.ts";

/** One turn of a conversation. */
export interface Message {
  /** "system", "user" or "assistant". */
  role: string;
  /** What was said. */
  content: string;
}

/** A checkpoint's tokenizer. */
export class Tokenizer {
  readonly #tokenizer: HubTokenizer;
  readonly #config: Record<string, unknown>;
  /** What tokenizer.json and tokenizer_config.json are to hold, where they were not read but made. */
  readonly files: Readonly<Record<string, unknown>> | null;

  /**
   * Makes a tokenizer of parsed files.
   *
   * @param tokenizer the parsed tokenizer.json.
   * @param config the parsed tokenizer_config.json.
   * @param files both, where there are no such files.
   */
  constructor(tokenizer: object, config: Record<string, unknown>, files: Tokenizer["files"] = null) {
    this.#tokenizer = new HubTokenizer(unicodeSpaces(tokenizer), config);
    this.#config = config;
    this.files = files;
  }

  /**
   * A tokenizer of files that are nowhere but in a GGUF file.
   *
   * @throws {CheckpointError} when they are malformed.
   */
  static ofGguf(path: string, files: TokenizerFiles): Tokenizer {
    try {
      return new Tokenizer(files["tokenizer.json"], files["tokenizer_config.json"], { ...files });
    } catch (cause) {
      throw new CheckpointError(`Cannot use the tokenizer of ${path}: ${(cause as Error).message}`, {
        cause,
      });
    }
  }

  /**
   * Reads tokenizer.json of a folder, or vocab.json and merges.txt, or a SentencePiece model, and, where they are there,
   * tokenizer_config.json and chat_template.jinja.
   *
   * @throws {CheckpointError} when there is no tokenizer that can be read, or a file is malformed.
   */
  static open(folder: string): Tokenizer {
    const own = readJson(`${folder}/tokenizer_config.json`) ?? {};
    const made = readPieces(folder, own);
    const tokenizer = made?.["tokenizer.json"] ?? readTokenizer(folder, own);
    const config = made?.["tokenizer_config.json"] ?? own;
    // Newer checkpoints keep the template in a file of its own, which counts for more.
    const chat_template = readText(`${folder}/chat_template.jinja`) ?? config.chat_template;
    try {
      return new Tokenizer(tokenizer, { ...config, chat_template }, made && { ...made });
    } catch (cause) {
      throw new CheckpointError(`Cannot use the tokenizer of ${folder}: ${(cause as Error).message}`, {
        cause,
      });
    }
  }

  /** Token ids of a text, the beginning-of-sequence token first where the tokenizer adds it by itself. */
  encode(text: string, options: { specialTokens?: boolean } = {}): number[] {
    return this.#tokenizer.encode(text, { add_special_tokens: options.specialTokens ?? true }).ids;
  }

  /** The text of token ids, special tokens left out unless asked for. */
  decode(ids: readonly number[], options: { specialTokens?: boolean } = {}): string {
    return this.#tokenizer.decode([...ids], { skip_special_tokens: !options.specialTokens });
  }

  /**
   * The prompt that a conversation becomes by the checkpoint's chat template. It holds the special tokens that the
   * template puts there: encode it with `specialTokens: false`.
   *
   * @throws {CheckpointError} when the checkpoint has no chat template, or its template refuses the conversation.
   *
   * @example
   * ```ts
   * import { loadModel } from "any4";
   * import { Tokenizer } from "any4/model";
   * import { assertEquals } from "@std/assert";
   * using model = await loadModel("tinyworld");
   * const file = JSON.parse(Deno.readTextFileSync(`${model.folder}/tokenizer.json`));
   * const chat_template = "{% for message in messages %}{{ message.role }}: {{ message.content }}\n{% endfor %}";
   * const tokenizer = new Tokenizer(file, { chat_template });
   * assertEquals(tokenizer.chat([{ role: "user", content: "Good morning!" }]), "user: Good morning!\n");
   * ```
   */
  chat(messages: readonly Message[], options: { addGenerationPrompt?: boolean } = {}): string {
    const { chat_template, bos_token, eos_token } = this.#config;
    if (typeof chat_template !== "string") {
      throw new CheckpointError("Cannot format a conversation: the tokenizer has no chat_template");
    }
    try {
      return new Template(chat_template).render({
        messages,
        add_generation_prompt: options.addGenerationPrompt ?? true,
        bos_token: tokenText(bos_token),
        eos_token: tokenText(eos_token),
      });
    } catch (cause) {
      throw new CheckpointError(
        `Cannot format a conversation by the tokenizer's chat_template: ${(cause as Error).message}`,
        { cause },
      );
    }
  }

  /** What `console.log` writes of it. */
  [inspect](): string {
    return `Tokenizer${this.#config.chat_template ? " with a chat template" : ""}`;
  }
}

/** A file's text, or undefined when there is no such file. */
function readText(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return undefined;
    throw new CheckpointError(`Cannot read the tokenizer: ${path} is not readable`, { cause });
  }
}

/** A JSON file's object, or undefined when there is no such file. */
function readJson(path: string): Record<string, unknown> | undefined {
  const text = readText(path);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new CheckpointError(`Cannot read the tokenizer: ${path} is not JSON`, { cause });
  }
}

/** What a folder's SentencePiece model says, where it is all that there is. */
function readPieces(folder: string, config: Record<string, unknown>): TokenizerFiles | null {
  const names = filesOf(folder);
  if (names.includes("tokenizer.json") || names.includes("vocab.json")) return null;
  const name = names.filter((name) => /^tokenizer\.model(\.v\d+)?$/.test(name)).sort()[0];
  if (name === undefined) return null;
  const path = `${folder}/${name}`;
  return sentencePieceTokenizer(Deno.readFileSync(path), { path, config });
}

/**
 * The tokenizer.json of a folder, or what GPT-2's vocab.json and merges.txt make of one.
 *
 * @throws {CheckpointError} when there is neither.
 */
function readTokenizer(folder: string, config: Record<string, unknown>): Record<string, unknown> {
  const tokenizer = readJson(`${folder}/tokenizer.json`);
  if (tokenizer) return tokenizer;
  const vocab = readJson(`${folder}/vocab.json`) as Record<string, number> | undefined;
  const merges = readText(`${folder}/merges.txt`);
  if (vocab && merges !== undefined) {
    const map = readJson(`${folder}/special_tokens_map.json`) ?? {};
    return byteLevelTokenizer({ vocab, merges, config: { ...map, ...config } });
  }
  throw new CheckpointError(`Cannot read the tokenizer: ${folder}/tokenizer.json is missing`);
}

function filesOf(folder: string): string[] {
  try {
    return [...Deno.readDirSync(folder)].map(({ name }) => name);
  } catch {
    return [];
  }
}
