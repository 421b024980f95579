/**
 * How a request wants its tokens chosen.
 *
 * @module
 */
import { largest, Sampler } from "../model/decoder/sampling.ts";
import type { Fields } from "./fields.ts";
import { badField } from "./request_error.ts";

/** The fields of both endpoints that say how tokens are chosen and when to stop, as OpenAI names them; `top_k` is ours. */
export interface Choosing {
  readonly temperature: number;
  readonly topP: number;
  readonly topK?: number;
  readonly seed: number;
  readonly stop: readonly string[];
  readonly bias: ReadonlyMap<number, number>;
  readonly presence: number;
  readonly frequency: number;
}

/** Reads them. @param vocabulary ids that a bias may name. */
export function readChoosing(fields: Fields, { vocabulary }: { vocabulary: number }): Choosing {
  return {
    temperature: fields.number("temperature", { least: 0, most: 1e6 }) ?? 1,
    topP: fields.number("top_p", { least: 1e-12, most: 1 }) ?? 1,
    topK: fields.whole("top_k", { least: 1, most: vocabulary }),
    seed: fields.whole("seed", { least: -(2 ** 53) + 1, most: 2 ** 53 - 1 }) ??
      Math.floor(Math.random() * 2 ** 32),
    stop: fields.texts("stop"),
    bias: readBias(fields, vocabulary),
    presence: fields.number("presence_penalty", { least: -2, most: 2 }) ?? 0,
    frequency: fields.number("frequency_penalty", { least: -2, most: 2 }) ?? 0,
  };
}

function readBias(fields: Fields, vocabulary: number): Map<number, number> {
  const given = fields.object("logit_bias");
  const bias = new Map<number, number>();
  for (const name of given?.names ?? []) {
    const id = Number(name);
    if (!/^\d+$/.test(name) || id >= vocabulary) {
      throw badField("logit_bias", `${name} is no token's id: they are from 0 to ${vocabulary - 1}`);
    }
    bias.set(id, given!.number(name, { least: -100, most: 100 }) ?? 0);
  }
  return bias;
}

/** Chooses the tokens of one continuation: the same seed and logits give the same tokens. */
export class Chooser {
  readonly #options: Choosing;
  readonly #sampler: Sampler;
  /** How often each token has been chosen. */
  readonly #chosen = new Map<number, number>();

  /** @param index the continuation's number among those of one prompt: each draws otherwise. */
  constructor(options: Choosing, index: number) {
    this.#options = options;
    const { temperature, topP, topK } = options;
    this.#sampler = new Sampler({ temperature, topP, ...topK && { topK }, seed: options.seed + index });
  }

  /** Chooses the next token. Biases are added to logits, penalties count what has been chosen so far. */
  next(logits: Float32Array): number {
    const { bias, presence, frequency } = this.#options;
    const penalties = presence !== 0 || frequency !== 0;
    const changed = bias.size > 0 || penalties ? logits.slice() : logits;
    for (const [id, by] of bias) changed[id]! += by;
    if (penalties) { for (const [id, times] of this.#chosen) changed[id]! -= presence + times * frequency; }
    const id = this.#sampler.next(largest(changed, Math.min(this.#sampler.wanted, changed.length)));
    this.#chosen.set(id, (this.#chosen.get(id) ?? 0) + 1);
    return id;
  }
}
