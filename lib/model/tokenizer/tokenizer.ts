/**
 * Text to token ids and back, by a checkpoint's tokenizer.
 *
 * @module
 */
import { inspect } from "../../display.ts";
import { CheckpointError, OptionError } from "../../errors.ts";
import { ask } from "../../files/disk.ts";
import { checkTokenIds } from "../decoder/token_ids.ts";
import { byteLevelTokenizer } from "./byte_level_tokenizer.ts";
import { type ChatOptions, ChatTemplate, type Message } from "./chat_template.ts";
import type { TextStream } from "./decoding.ts";
import type { Json } from "./fields.ts";
import { readBytes, readObject, readText } from "../../files/json_file.ts";
import { sentencePieceTokenizer } from "./sentencepiece.ts";
import { withSpecialTokens } from "./special_tokens.ts";
import { TokenizerJson } from "./tokenizer_json.ts";

export type { ChatOptions, Message };

/** A tokenizer's two files, parsed. */
export interface TokenizerFiles {
  /** Its model, vocabulary and rules. */
  readonly "tokenizer.json": Record<string, unknown>;
  /** Its special tokens and chat template. */
  readonly "tokenizer_config.json": Record<string, unknown>;
}

/** A checkpoint's tokenizer. */
export class Tokenizer {
  readonly #compiled: TokenizerJson;
  readonly #chat: ChatTemplate;
  /** What tokenizer.json and tokenizer_config.json are to hold, where they were not read but made. */
  readonly files: Readonly<Record<string, unknown>> | null;

  /**
   * Makes a tokenizer of parsed files.
   *
   * @param tokenizer the parsed tokenizer.json.
   * @param config the parsed tokenizer_config.json.
   * @param files both, where there are no such files.
   * @throws {CheckpointError} when one is malformed, or asks for what is not supported.
   */
  constructor(tokenizer: object, config: Record<string, unknown>, files: Tokenizer["files"] = null) {
    this.#compiled = named("tokenizer.json", () =>
      new TokenizerJson(tokenizer, {
        cleanUp: config.clean_up_tokenization_spaces === true,
      }));
    this.#chat = new ChatTemplate(config);
    this.files = files && { ...files, "tokenizer.json": this.#compiled.json };
  }

  /**
   * A tokenizer of files that are nowhere but in a GGUF file.
   *
   * @throws {CheckpointError} when they are malformed.
   */
  static ofGguf(path: string, files: TokenizerFiles): Tokenizer {
    return named(
      path,
      () => new Tokenizer(files["tokenizer.json"], files["tokenizer_config.json"], { ...files }),
    );
  }

  /**
   * Reads a folder's tokenizer.json, or vocab.json and merges.txt, or a SentencePiece model, and, where they are there,
   * tokenizer_config.json, special_tokens_map.json, added_tokens.json and chat_template.jinja.
   *
   * @throws {CheckpointError} when there is no tokenizer that can be read, or a file is malformed.
   */
  static open(folder: string): Tokenizer {
    const config = readObject(`${folder}/tokenizer_config.json`) ?? {};
    const map = readObject(`${folder}/special_tokens_map.json`);
    const added = readObject(`${folder}/added_tokens.json`);
    // Newer checkpoints keep the template in a file of its own, which counts for more.
    const chat_template = readText(`${folder}/chat_template.jinja`) ??
      readObject(`${folder}/chat_template.json`)?.chat_template ?? config.chat_template;
    const read = readTokenizer(folder, { ...map, ...config });
    return named(folder, () => {
      const all = withSpecialTokens(read.json, {
        config: { ...read.config, ...config },
        map,
        added,
        whole: !read.made,
      });
      const made = read.made ? { "tokenizer_config.json": all.config } : null;
      return new Tokenizer(all.json, { ...all.config, chat_template }, made);
    });
  }

  /** How many ids there are: one more than the largest. A model may have more, for no tokens. */
  get size(): number {
    return this.#compiled.size;
  }

  /** A token as the vocabulary writes it; undefined for an id that is none. */
  token(id: number): string | undefined {
    return this.#compiled.token(id);
  }

  /** The default chat template; undefined where there is none. */
  get chatTemplate(): string | undefined {
    return this.#chat.source;
  }

  /**
   * Token ids of a text, the beginning-of-sequence token first where the tokenizer adds it by itself.
   *
   * @throws {CheckpointError} when the text has a character that the vocabulary has no token for, not even an unknown one.
   * @throws {OptionError} when it is no text.
   */
  encode(text: string, options: { specialTokens?: boolean } = {}): number[] {
    if (typeof text !== "string") {
      throw new OptionError(`Cannot encode: expected a text, current value is ${text}`);
    }
    return this.#compiled.encode(text, { specialTokens: options.specialTokens ?? true });
  }

  /**
   * The text of token ids, special tokens left out unless asked for.
   *
   * @throws {OptionError} when an id is none of the tokenizer's.
   *
   * @example
   * ```ts
   * import { assertEquals } from "@std/assert";
   * import { Tokenizer } from "any4/model";
   * const tokenizer = Tokenizer.open("models/tinyworld");
   * assertEquals(tokenizer.decode(tokenizer.encode("Ça va ? x , y")), "Ça va ? x , y");
   * assertEquals(tokenizer.decode([]), "");
   * ```
   */
  decode(ids: readonly number[], options: { specialTokens?: boolean } = {}): string {
    checkTokenIds(ids, { size: this.size, purpose: "decode" });
    const stream = this.stream(options);
    const pieces = ids.map((id) => stream.push(id));
    pieces.push(stream.flush());
    return pieces.join("");
  }

  /**
   * An empty text that grows token by token; all its pieces together are what {@linkcode Tokenizer.decode} gives. Ids that
   * are no tokens add nothing.
   *
   * @example
   * ```ts
   * import { assertEquals } from "@std/assert";
   * import { Tokenizer } from "any4/model";
   * const tokenizer = Tokenizer.open("models/tinyworld");
   * const stream = tokenizer.stream();
   * const pieces = tokenizer.encode("The 🐈 sat").map((id) => stream.push(id));
   * assertEquals(pieces.join("") + stream.flush(), "The 🐈 sat");
   * ```
   */
  stream(options: { specialTokens?: boolean } = {}): TextStream {
    return this.#compiled.stream({ specialTokens: options.specialTokens ?? false });
  }

  /**
   * The prompt that a conversation becomes by the checkpoint's chat template, as transformers renders it. It holds the
   * special tokens that the template puts there: encode it with `specialTokens: false`.
   *
   * @throws {CheckpointError} when the checkpoint has no chat template, or its template refuses the conversation, does not
   * end, or asks for what is not supported.
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
  chat(messages: readonly Message[], options: ChatOptions = {}): string {
    return this.#chat.render(messages, options);
  }

  /** What `console.log` writes of it. */
  [inspect](): string {
    return `Tokenizer of ${this.size} tokens${this.#chat.names.length > 0 ? " with a chat template" : ""}`;
  }
}

/** How errors begin that are about a tokenizer.json of no folder. */
const UNNAMED = "Cannot use the tokenizer of tokenizer.json: ";

/** Runs, and names what it is about in errors that do not. */
function named<T>(what: string, make: () => T): T {
  try {
    return make();
  } catch (cause) {
    if (!(cause instanceof CheckpointError)) throw cause;
    const message = cause.message.replace(UNNAMED, "");
    if (message.startsWith("Cannot ")) throw cause;
    throw new CheckpointError(`Cannot use the tokenizer of ${what}: ${message}`, { cause });
  }
}

/** A folder's tokenizer.json, or what its other files make of one. */
function readTokenizer(folder: string, config: Json): { json: Json; config: Json; made: boolean } {
  const json = readObject(`${folder}/tokenizer.json`);
  if (json) return { json, config: {}, made: false };
  const vocab = readObject(`${folder}/vocab.json`);
  const merges = readText(`${folder}/merges.txt`);
  if (vocab && merges !== undefined) {
    const model = readObject(`${folder}/config.json`);
    const modelType = typeof model?.model_type === "string" ? model.model_type : undefined;
    return named(folder, () => ({
      ...byteLevelTokenizer({ vocab, merges, config, modelType }),
      made: true,
    }));
  }
  const name = filesOf(folder).filter((name) => /^tokenizer\.model(\.v\d+)?$/.test(name)).sort()[0];
  const path = `${folder}/${name}`;
  const bytes = name === undefined ? undefined : readBytes(path);
  if (bytes) return { ...sentencePieceTokenizer(bytes, { path, config }), made: true };
  throw new CheckpointError(`Cannot read the tokenizer: ${folder}/tokenizer.json is missing`);
}

function filesOf(folder: string): string[] {
  return ask(() => [...Deno.readDirSync(folder)].map(({ name }) => name)) ?? [];
}
