/**
 * Chat templates.
 *
 * @module
 */
import { CheckpointError } from "../../errors.ts";
import { Template } from "../../jinja/render.ts";
import type { Json } from "./fields.ts";
import { NAMED_TOKENS, namedTemplates } from "./special_tokens.ts";
import { tokenText } from "./token_text.ts";

/** One turn of a conversation. */
export interface Message {
  /** "system", "user" or "assistant". */
  role: string;
  /** What was said. */
  content: string;
}

/** How a conversation becomes a prompt. */
export interface ChatOptions {
  /** Whether the assistant's turn is begun; true when absent. */
  addGenerationPrompt?: boolean;
  /** Tools that the model may call, as JSON schemas; templates are told of none when absent. */
  tools?: readonly Record<string, unknown>[];
  /** Documents that the model may look into. */
  documents?: readonly Record<string, unknown>[];
  /** Which template, where the checkpoint has several: "default" when absent, "tool_use" where there are tools. */
  template?: string;
  /** More variables for the template. */
  variables?: Readonly<Record<string, unknown>>;
}

/** The templates that a checkpoint has, and the tokens that they may name. */
export class ChatTemplate {
  readonly #templates: Readonly<Record<string, string>>;
  readonly #tokens: Json = {};

  /** @param config tokenizer_config.json, with the template that counts. */
  constructor(config: Json) {
    this.#templates = namedTemplates(config);
    for (const name of NAMED_TOKENS) {
      const token = tokenText(config[name]);
      if (token !== "") this.#tokens[name] = token;
    }
  }

  /** The templates' names. */
  get names(): string[] {
    return Object.keys(this.#templates);
  }

  /** The default template; undefined where there is none. */
  get source(): string | undefined {
    return Object.hasOwn(this.#templates, "default") ? this.#templates.default : undefined;
  }

  #choose({ template, tools }: ChatOptions): string {
    const templates = this.#templates;
    const { names } = this;
    if (names.length === 0) {
      throw new CheckpointError("Cannot format a conversation: the tokenizer has no chat_template");
    }
    const name = template ?? (tools && Object.hasOwn(templates, "tool_use") ? "tool_use" : "default");
    if (Object.hasOwn(templates, name)) return templates[name]!;
    throw new CheckpointError(
      `Cannot format a conversation: the tokenizer has no chat_template "${name}", but ${names.join(", ")}`,
    );
  }

  /** The prompt that a conversation becomes. @throws {CheckpointError} when there is no template, or it fails. */
  render(messages: readonly Message[], options: ChatOptions): string {
    const source = this.#choose(options);
    try {
      return new Template(source).render({
        ...this.#tokens,
        ...options.variables,
        messages: messages.map(withReasoning),
        tools: options.tools ?? null,
        documents: options.documents ?? null,
        add_generation_prompt: options.addGenerationPrompt ?? true,
      });
    } catch (cause) {
      throw new CheckpointError(
        `Cannot format a conversation by the tokenizer's chat_template: ${(cause as Error).message}`,
        { cause },
      );
    }
  }
}

/** Names that messages have for what a model thought; templates read the first. */
const REASONING = ["reasoning_content", "thinking", "reasoning"];

/** A message without what is null, and with what was thought under the names that templates read, as transformers has it. */
function withReasoning(message: Message): Json {
  const given: Json = Object.fromEntries(
    Object.entries(message).filter(([, value]) => value !== null && value !== undefined),
  );
  const name = REASONING.find((name) => given[name] !== undefined);
  return name === undefined ? given : { thinking: given[name], ...given, reasoning_content: given[name] };
}
