/**
 * Answers of several continuations, whole or as they come.
 *
 * @module
 */
import { Choice, type ChoiceOptions, type FinishReason, type Piece } from "./choice.ts";
import type { Choosing } from "./choosing.ts";
import type { Engine } from "./engine.ts";
import { eventStream } from "./event_stream.ts";
import type { TokenScore } from "./logprobs.ts";

/** What both endpoints ask of continuations. */
export interface Asked {
  /** Each prompt's ids, and its text where it is to come first. */
  readonly prompts: readonly { readonly ids: readonly number[]; readonly echo?: string }[];
  /** Continuations of each prompt. */
  readonly n: number;
  readonly maxTokens: number;
  readonly choosing: Choosing;
  readonly top?: number;
  /** Whether the ids of scored tokens are wanted, as vLLM names them. */
  readonly tokenIds: boolean;
  readonly stream: boolean;
  /** Whether a stream ends with what it took. */
  readonly includeUsage: boolean;
}

/** Tokens that a request took. */
export interface Usage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly total_tokens: number;
  readonly prompt_tokens_details: { readonly cached_tokens: number };
}

/** A whole continuation. */
export interface Whole {
  readonly text: string;
  readonly tokens: readonly (TokenScore | { readonly id: number })[];
  readonly finished: FinishReason;
}

/** How an endpoint writes what it answers. */
export interface Writer {
  /** A whole answer. */
  whole(choices: readonly Whole[], usage: Usage): unknown;
  /** What a stream begins with, of each choice. */
  begin?(index: number): unknown;
  /** What is new of a choice. */
  piece(index: number, piece: Piece): unknown;
  /** What a stream ends with, where it is asked for. */
  usage(usage: Usage): unknown;
}

/** The ids of a piece's tokens, where they are wanted. */
export function idsOf(tokens: Piece["tokens"], { tokenIds }: Asked): { token_ids?: number[] } {
  return tokenIds ? { token_ids: tokens.map(({ id }) => id) } : {};
}

/** Where continuations are computed, and what ends them early. */
export interface Means {
  readonly engine: Engine;
  readonly signal: AbortSignal;
  /** Is told of the tokens of each request that ended well. */
  readonly took: (usage: Usage) => void;
}

/** The continuations that are asked for, all of them under way. */
function start(
  asked: Asked,
  { engine, signal, onPiece }: Means & { onPiece: (index: number, piece: Piece) => void },
): { done: Promise<unknown>; usage: () => Usage } {
  const { prompts, n, maxTokens, choosing, top } = asked;
  let cached = 0;
  const choices = prompts.flatMap(({ ids, echo }, prompt) =>
    Array.from({ length: n }, (_, number) => {
      const index = prompt * n + number;
      const options: ChoiceOptions = {
        model: engine.model,
        ids,
        maxTokens,
        choosing,
        index: number,
        signal,
        top,
        echo,
        onPiece: (piece) => onPiece(index, piece),
        known: (tokens) => cached += tokens,
      };
      return new Choice(options);
    })
  );
  const done = Promise.all(choices.map(async (choice, index) => {
    await engine.run(choice);
    // Of a prompt alone there is nothing that could say that it has ended.
    if (maxTokens === 0) onPiece(index, { text: "", tokens: [], finished: "length" });
  }));
  const usage = (): Usage => {
    const prompt_tokens = prompts.reduce((sum, { ids }) => sum + ids.length, 0);
    const completion_tokens = choices.reduce((sum, { generated }) => sum + generated, 0);
    const total_tokens = prompt_tokens + completion_tokens;
    return {
      prompt_tokens,
      completion_tokens,
      total_tokens,
      prompt_tokens_details: { cached_tokens: cached },
    };
  };
  return { done, usage };
}

/**
 * Answers.
 *
 * @throws {RequestError} when there is no room for so many sequences.
 */
export async function answer(asked: Asked, options: Means & { writer: Writer }): Promise<Response> {
  const { writer, ...means } = options;
  means.engine.assertRoom(asked.prompts.length * asked.n);
  return asked.stream ? streamed(asked, { writer, ...means }) : await whole(asked, { writer, ...means });
}

async function whole(asked: Asked, { writer, ...means }: Means & { writer: Writer }): Promise<Response> {
  const wholes = Array.from({ length: asked.prompts.length * asked.n }, () => ({
    text: "",
    tokens: [] as Whole["tokens"][number][],
    finished: "length" as FinishReason,
  }));
  // One that fails ends all others.
  const failed = new AbortController();
  const signal = AbortSignal.any([means.signal, failed.signal]);
  const { done, usage } = start(asked, {
    ...means,
    signal,
    onPiece: (index, { text, tokens, finished }) => {
      const one = wholes[index]!;
      one.text += text;
      one.tokens.push(...tokens);
      if (finished) one.finished = finished;
    },
  });
  try {
    await done;
  } catch (error) {
    failed.abort(error);
    throw error;
  }
  means.took(usage());
  return Response.json(writer.whole(wholes, usage()));
}

/** A client that leaves ends what is computed for it. */
function streamed(asked: Asked, { writer, ...means }: Means & { writer: Writer }): Response {
  return eventStream(async (send, left) => {
    for (let index = 0; writer.begin && index < asked.prompts.length * asked.n; index++) {
      send(writer.begin(index));
    }
    const { done, usage } = start(asked, {
      ...means,
      signal: AbortSignal.any([means.signal, left]),
      onPiece: (index, piece) => send(writer.piece(index, piece)),
    });
    await done;
    means.took(usage());
    if (asked.includeUsage) send(writer.usage(usage()));
    send("[DONE]");
  });
}
