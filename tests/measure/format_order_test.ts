/**
 * What the project is about: at equal group size, learned tables cost less than fixed ones.
 *
 * @module
 */
import { assertEquals, assertLess } from "@std/assert";
import { loadModel, measureFormats, type MeasureFormatsOptions, type Model } from "any4";
import { hasStories, storiesFolder, storiesMeasure, storiesReason } from "../stories.ts";

/** Formats from the least perplexity to the most. */
const ORDERS = [["any4", "nf4", "int4"], ["any3", "int3"], ["any2", "int2"]];

async function checkOrder(model: Model, options: MeasureFormatsOptions): Promise<void> {
  const { baseline, rows } = await measureFormats(model, { ...options, formats: ORDERS.flat() });
  const perplexity = (name: string) => rows.find(({ format }) => format === name)!.perplexity;
  for (const order of ORDERS) {
    assertEquals(order.toSorted((a, b) => perplexity(a) - perplexity(b)), order);
    assertLess(baseline.perplexity, perplexity(order[0]!));
  }
}

Deno.test("on tinyworld any4 < nf4 < int4, any3 < int3 and any2 < int2 in perplexity", async () => {
  using model = await loadModel("tinyworld");
  await checkOrder(model, { groupSize: 128, maxTokens: 4000 });
});

Deno.test({
  name: `on stories260K any4 < nf4 < int4, any3 < int3 and any2 < int2 in perplexity${storiesReason}`,
  ignore: !hasStories,
  async fn() {
    using model = await loadModel(storiesFolder);
    await checkOrder(model, { groupSize: 64, ...storiesMeasure() });
  },
});
