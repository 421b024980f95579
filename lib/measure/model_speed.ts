/**
 * The speed of a model at reading a prompt and continuing it, and its memory (any4's benchmark).
 *
 * @module
 */
import { interruptible, turn } from "../event_loop.ts";
import { OptionError } from "../errors.ts";
import type { Model } from "../model/model.ts";
import { argmax } from "../model/decoder/sampling.ts";
import { Random } from "../random.ts";
import { median } from "./median.ts";

/** Options of {@linkcode modelSpeed}. */
export interface ModelSpeedOptions {
  /** Tokens of the prompt; 128 when absent. */
  promptTokens?: number;
  /** Tokens to generate; 64 when absent. */
  newTokens?: number;
  /** Rounds, of which the median counts; 5 when absent. A first round is not counted. */
  rounds?: number;
  /** Called with the part that is done, from 0 to 1. */
  onProgress?: (done: number) => void;
}

/** A model's speed and size: medians of rounds. */
export interface ModelSpeed {
  /** Tokens of the prompt. */
  promptTokens: number;
  /** Generated tokens. */
  newTokens: number;
  /** Seconds until the first token. */
  firstToken: number;
  /** Tokens a second of the prompt: promptTokens / firstToken. */
  prefill: number;
  /** Tokens a second after the first, the likeliest each time, chosen by the backend where it can: `session.greedy`. */
  decode: number;
  /** The same with all logits read for each token, as a sampler of one's own would: `session.forward`. */
  stepwise: number;
  /** Bytes of all weights as stored. */
  weightBytes: number;
  /** Stored bits per weight of the Linears. */
  bitsPerWeight: number;
  /** Bytes of the float32 keys and values of all promptTokens + newTokens tokens. */
  cacheBytes: number;
  /** Bytes allocated by the backend, for all its models, if it counts them. */
  backendBytes?: number;
  /** Resident memory of the process, in bytes. */
  processBytes: number;
  /** Rounds, of which the median counts. */
  rounds: number;
}

/**
 * Times a model on a prompt of random tokens. End tokens are ignored.
 *
 * @throws {OptionError} when an option is out of range, or the tokens do not fit the model's context.
 *
 * @example
 * ```ts
 * import { loadModel } from "any4";
 * import { modelSpeed } from "any4/measure";
 * import { assert } from "@std/assert";
 * using model = await loadModel("tinyworld");
 * const { prefill, decode } = await modelSpeed(model, { promptTokens: 32, newTokens: 8, rounds: 1 });
 * assert(prefill > 0 && decode > 0); // tokens a second
 * ```
 */
export function modelSpeed(model: Model, options: ModelSpeedOptions = {}): Promise<ModelSpeed> {
  return interruptible(() => timeModel(model, options));
}

async function timeModel(model: Model, options: ModelSpeedOptions): Promise<ModelSpeed> {
  const { promptTokens = 128, newTokens = 64, rounds = 5, onProgress } = options;
  for (
    const [name, value, least] of [["promptTokens", promptTokens, 1], ["newTokens", newTokens, 2], [
      "rounds",
      rounds,
      1,
    ]] as const
  ) {
    if (!Number.isSafeInteger(value) || value < least) {
      throw new OptionError(
        `Cannot time ${model.name}: ${name} must be a whole number of at least ${least}, current value is ${value}`,
      );
    }
  }
  const { vocab_size, max_position_embeddings, num_hidden_layers, num_key_value_heads, head_dim } =
    model.config;
  const capacity = promptTokens + newTokens;
  if (capacity > max_position_embeddings) {
    throw new OptionError(
      `Cannot time ${model.name} on ${capacity} tokens: its context has ${max_position_embeddings}`,
    );
  }
  const random = new Random(1);
  const prompt = Array.from({ length: promptTokens }, () => random.integer(vocab_size));
  const times = { firstToken: [] as number[], decode: [] as number[], stepwise: [] as number[] };
  for (let round = -1; round < rounds; round++) {
    const greedy = await timeGreedy(model, { prompt, newTokens });
    const stepwise = await timeStepwise(model, { prompt, newTokens });
    onProgress?.((round + 2) / (rounds + 1));
    // Between timings, threads start and garbage of the previous round is freed.
    await turn(round < 0 ? 50 : 0);
    if (round < 0) continue;
    times.firstToken.push(greedy.firstToken);
    times.decode.push(greedy.rest);
    times.stepwise.push(stepwise);
  }
  const firstToken = median(times.firstToken);
  const { bytes } = model.backend;
  return {
    promptTokens,
    newTokens,
    firstToken,
    prefill: promptTokens / firstToken,
    decode: (newTokens - 1) / median(times.decode),
    stepwise: (newTokens - 1) / median(times.stepwise),
    weightBytes: model.size.bytes,
    bitsPerWeight: model.bitsPerWeight,
    cacheBytes: 4 * 2 * num_hidden_layers * num_key_value_heads * head_dim * capacity,
    ...(bytes === undefined ? {} : { backendBytes: bytes }),
    processBytes: Deno.memoryUsage().rss,
    rounds,
  };
}

const since = (start: number) => (performance.now() - start) / 1000;

/** Seconds to the first token, and from there to all others. */
async function timeGreedy(
  model: Model,
  { prompt, newTokens }: { prompt: readonly number[]; newTokens: number },
): Promise<{ firstToken: number; rest: number }> {
  using session = model.session(prompt.length + newTokens);
  const start = performance.now();
  let last = (await session.greedy(prompt, 1))[0]!;
  const firstToken = since(start);
  const first = performance.now();
  for (let left = newTokens - 1; left > 0;) {
    const next = await session.greedy([last], left);
    last = next.at(-1)!;
    left -= next.length;
  }
  return { firstToken, rest: since(first) };
}

/** Seconds from the first token to all others, each chosen from the logits by the caller. */
async function timeStepwise(
  model: Model,
  { prompt, newTokens }: { prompt: readonly number[]; newTokens: number },
): Promise<number> {
  using session = model.session(prompt.length + newTokens);
  let next = argmax(await session.forward(prompt));
  const start = performance.now();
  for (let left = newTokens - 1; left > 0; left--) next = argmax(await session.forward([next]));
  return since(start);
}
