import { assertEquals } from "@std/assert";
import { generate } from "any4";
import { ReusedSession } from "../../lib/measure/reused_session.ts";
import { load, names } from "../tiny_models.ts";

/** Prompts that share beginnings, the longest neither first nor last. */
const PROMPTS = ["The king has", "The king has a small red boat and a dog", "The king ran", "A boat"];

Deno.test("texts that share a sequence are continued as each alone is, with every kind of rotation", async () => {
  for (const name of names) {
    using model = await load(name, "plain");
    using session = new ReusedSession(model);
    for (const prompt of PROMPTS) {
      const ids = model.tokenizer.encode(prompt);
      const { text } = await generate(model, prompt, { maxTokens: 6 });
      assertEquals(await session.continue(ids, { until: [], maxTokens: 6 }), text, `${name}: ${prompt}`);
    }
  }
});
