/**
 * Text to token ids and back, by a checkpoint's tokenizer.json.
 *
 * @module
 */
import { Template } from "@huggingface/jinja";
import { Tokenizer as HubTokenizer } from "@huggingface/tokenizers";
import { CheckpointError } from "../errors.ts";

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

  /**
   * Makes a tokenizer of parsed files.
   *
   * @param tokenizer the parsed tokenizer.json.
   * @param config the parsed tokenizer_config.json.
   */
  constructor(tokenizer: object, config: Record<string, unknown>) {
    this.#tokenizer = new HubTokenizer(tokenizer, config);
    this.#config = config;
  }

  /**
   * Reads tokenizer.json and tokenizer_config.json of a folder.
   *
   * @throws {CheckpointError} when they are missing or malformed.
   */
  static open(folder: string): Tokenizer {
    const read = (file: string, optional: boolean) => {
      let text: string;
      try {
        text = Deno.readTextFileSync(`${folder}/${file}`);
      } catch (cause) {
        if (optional && cause instanceof Deno.errors.NotFound) return {};
        throw new CheckpointError(`Cannot read the tokenizer: ${folder}/${file} is missing or not readable`, {
          cause,
        });
      }
      try {
        return JSON.parse(text);
      } catch (cause) {
        throw new CheckpointError(`Cannot read the tokenizer: ${folder}/${file} is not JSON`, { cause });
      }
    };
    const [tokenizer, config] = [read("tokenizer.json", false), read("tokenizer_config.json", true)];
    try {
      return new Tokenizer(tokenizer, config);
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
   * The prompt that a conversation becomes by the checkpoint's chat template.
   *
   * @throws {CheckpointError} when the checkpoint has no chat template.
   */
  chat(messages: readonly Message[], options: { addGenerationPrompt?: boolean } = {}): string {
    const { chat_template, bos_token, eos_token } = this.#config;
    if (typeof chat_template !== "string") {
      throw new CheckpointError("Cannot format a conversation: the tokenizer has no chat_template");
    }
    return new Template(chat_template).render({
      messages,
      add_generation_prompt: options.addGenerationPrompt ?? true,
      bos_token: tokenText(bos_token),
      eos_token: tokenText(eos_token),
    });
  }
}

/** A special token of tokenizer_config.json is a string, or an object that holds one. */
function tokenText(token: unknown): string {
  if (typeof token === "object" && token !== null && "content" in token) return String(token.content);
  return typeof token === "string" ? token : "";
}
