/**
 * POST /compare: what two models think of each token of a text, for the page.
 *
 * @module
 */
import type { Engine, Sequence } from "./engine.ts";
import type { Fields } from "./fields.ts";
import { divergence, scoreToken, type TokenScore } from "./logprobs.ts";
import { assertFits } from "./prompt.ts";
import { badField } from "./request_error.ts";
import type { TokenTexts } from "./token_texts.ts";

/** Tokens of a text at most: all their logits are held. */
const MOST_TOKENS = 512;

/** The logits of all tokens of a sequence but the last. */
async function logitsOf(
  engine: Engine,
  ids: readonly number[],
  signal: AbortSignal,
): Promise<Float32Array[]> {
  const { vocab_size: vocabulary } = engine.model.config;
  const rows: Float32Array[] = [];
  const sequence: Sequence = {
    ids,
    maxTokens: 0,
    signal,
    score: (_from, logits) => {
      for (let at = 0; at < logits.length; at += vocabulary) rows.push(logits.subarray(at, at + vocabulary));
    },
    next: () => undefined,
  };
  await engine.run(sequence);
  return rows;
}

/**
 * Compares two models that share a tokenizer: for each token but the first its probability in both, the likeliest in its place, and
 * the divergence of the first model's distribution from the second's, KL(second ‖ first), in nats.
 *
 * @throws {RequestError} 400 when the ids are none or too many, or the vocabularies differ.
 */
export async function compare(
  fields: Fields,
  options: { engines: readonly [Engine, Engine]; texts: TokenTexts; signal: AbortSignal },
): Promise<unknown> {
  const { engines, texts, signal } = options;
  const vocabulary = engines[0].model.config.vocab_size;
  const tokens = fields.any("tokens");
  const top = fields.whole("top", { least: 0, most: 20 }) ?? 5;
  fields.end();
  const isId = (id: unknown) => Number.isInteger(id) && (id as number) >= 0 && (id as number) < vocabulary;
  if (!Array.isArray(tokens) || tokens.length === 0 || tokens.length > MOST_TOKENS || !tokens.every(isId)) {
    throw badField("tokens", `expected a list of 1 to ${MOST_TOKENS} token ids below ${vocabulary}`);
  }
  if (engines[1].model.config.vocab_size !== vocabulary) {
    throw badField("with", "the models have different vocabularies");
  }
  for (const engine of engines) {
    assertFits(tokens, { engine, maxTokens: 0, param: "tokens" });
    engine.assertRoom(1);
  }
  const [first, second] = await Promise.all(engines.map((engine) => logitsOf(engine, tokens, signal)));
  const shown = ({ logprob, top }: TokenScore) => ({
    logprob,
    top: top.map(({ id, logprob }) => ({ text: texts.of(id).text, logprob })),
  });
  return {
    tokens: tokens.map((id: number, t) => {
      const { text } = texts.of(id);
      if (t === 0) return { id, text };
      const [p, q] = [first![t - 1]!, second![t - 1]!];
      return {
        id,
        text,
        kl: divergence(q, p),
        scores: [p, q].map((logits) => shown(scoreToken(logits, { id, top }))),
      };
    }),
  };
}
