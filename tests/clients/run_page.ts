/**
 * The server's page in a browser. With ANY4_SCREENSHOTS, a folder, it is pictured there at two widths in both schemes.
 *
 * @module
 */
import { assert, assertEquals, assertGreater, assertMatch } from "@std/assert";
import axe from "axe-core";
import type { Page } from "playwright-core";
import { quantizeModel } from "any4";
import { serve } from "any4/serve";
import { findChromium, startChromium } from "../chromium.ts";
import { chatModel } from "../serve/server.ts";

const program = findChromium();
const reason = program ? "" : " (ignored: no Chromium)";
const pictures = Deno.env.get("ANY4_SCREENSHOTS");

/** What axe finds that keeps people from using the page. */
async function seriousFaults(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate(() =>
    // deno-lint-ignore no-explicit-any
    (globalThis as any).axe.run()
  ) as axe.AxeResults;
  return violations.filter(({ impact }) => impact === "serious" || impact === "critical").map((violation) =>
    `${violation.id}: ${violation.nodes.map(({ html }) => html).join(" ")}`
  );
}

Deno.test({
  name:
    `the page writes with two models, explains tokens by keyboard, talks, and loads nothing from elsewhere${reason}`,
  ignore: program === undefined,
  async fn(t) {
    using original = await chatModel();
    using packed = await quantizeModel(original, { format: "int2", groupSize: 64 });
    const models = new Map([["tinyworld", original], ["tinyworld:int2", packed]]);
    await using server = serve(models, { port: 0, lab: "tinyworld" });
    const browser = await startChromium(program!, []);
    try {
      const page = await browser.newPage({ viewport: { width: 1200, height: 1000 } });
      const faults: string[] = [];
      page.on("pageerror", (error) => faults.push(String(error)));
      page.on("console", (message) => message.type() === "error" && faults.push(message.text()));
      page.on("request", (request) => {
        if (!request.url().startsWith(server.url) && !request.url().startsWith("data:")) {
          faults.push(request.url());
        }
      });
      await page.goto(server.url);

      await t.step("two texts, their tokens coloured by what both models think", async () => {
        await page.selectOption("#beside", "tinyworld:int2");
        await page.fill("#tokens", "24");
        await page.click("#write");
        await page.waitForSelector("#write:not([disabled])");
        assertEquals(await page.textContent("#problem"), "");
        assertEquals(await page.locator("article").count(), 2);
        const heats = () =>
          page.locator("article:first-child .token").evaluateAll((spans) =>
            spans.map((span) => Number(/--heat: ([\d.e-]+)/.exec(span.getAttribute("style")!)![1]))
          );
        const byProbability = await heats();
        assertEquals(byProbability.length, 24);
        assert(byProbability.every((heat) => heat >= 0 && heat <= 1) && new Set(byProbability).size > 12);
        await page.check('input[value="kl"]');
        assert((await heats()).every((heat, i) => heat > 0 && heat !== byProbability[i]));
        assertMatch(
          (await page.getAttribute("#plot svg", "aria-label"))!,
          /tinyworld: [1-9]\d*.*tinyworld:int2: [1-9]/,
        );
      });

      await t.step("a token is explained by keyboard", async () => {
        await page.focus("article:first-child .tokens");
        await page.keyboard.press("ArrowRight");
        const first = await page.textContent("#detail");
        assertMatch(first!, /had a probability of .* the models differ by .* nats/);
        assertEquals(await page.locator("#detail table").count(), 2);
        await page.keyboard.press("End");
        assert(await page.textContent("#detail") !== first);
      });

      await t.step("another format, chosen on the page, takes its place beside the model", async () => {
        await page.click("summary");
        await page.selectOption("#format", "any2");
        await page.selectOption("#group", "64");
        await page.click("#make");
        await page.waitForSelector("#make:not([disabled])");
        assertEquals(await page.textContent("#problem"), "");
        assertMatch((await page.textContent("#ready"))!, /tinyworld:any2:64 stands beside it/);
        assertEquals(await page.inputValue("#beside"), "tinyworld:any2:64");
        await page.click("#write");
        await page.waitForSelector("#write:not([disabled])");
        assertEquals(await page.locator("article").count(), 2);
        assertEquals(await page.textContent("#problem"), "");
      });

      await t.step("nothing keeps people from using it, at any width in any scheme", async () => {
        for (const width of [1200, 360]) {
          for (const colorScheme of ["light", "dark"] as const) {
            await page.setViewportSize({ width, height: 1000 });
            await page.emulateMedia({ colorScheme });
            assertEquals(await seriousFaults(page), [], `${width} ${colorScheme}`);
            const wide = await page.evaluate<number>("document.documentElement.scrollWidth");
            assert(wide <= width, `${wide} pixels are shown in ${width}`);
            const drawn = await page.evaluate<string>(
              "document.querySelector('svg').viewBox.baseVal.width / plot.clientWidth",
            );
            assertEquals(Number(drawn), 1, "the plot has the page's width");
            if (pictures) {
              await page.screenshot({ path: `${pictures}/${width}-${colorScheme}.png`, fullPage: true });
            }
          }
        }
      });

      await t.step("a link fills in the fields and has the models write", async () => {
        const fields = { prompt: "The king & his cat", beside: "tinyworld:int2", tokens: "7", colour: "kl" };
        await page.goto(`${server.url}/?${new URLSearchParams({ ...fields, nobody: "knows" })}`);
        await page.waitForSelector("article:nth-child(2) .token:nth-child(7)");
        await page.waitForSelector("#write:not([disabled])");
        assertEquals(await page.textContent("#problem"), "");
        assertEquals(await page.textContent("article:first-child .given"), fields.prompt);
        assertEquals(await page.locator("article:first-child .token").count(), 7);
        assertEquals(await page.textContent("#least"), "0");
      });

      await t.step("a conversation", async () => {
        await page.check('input[value="chat"]');
        for (const text of ["Who lived in the village?", "And then?"]) {
          await page.fill("#prompt", text);
          await page.keyboard.press("Control+Enter");
          await page.waitForSelector("#stop:not([disabled])");
          await page.waitForSelector("#write:not([disabled])");
          assertEquals(await page.textContent("#problem"), "");
        }
        assertMatch(
          (await page.textContent("article:first-child .given"))!,
          /user: Who.*assistant: .*user: And then/s,
        );
      });

      await t.step("an answer that is stopped", async () => {
        await page.check('input[value="completion"]');
        await page.fill("#prompt", "Once upon a time");
        await page.fill("#tokens", "400");
        await page.fill("#temperature", "1");
        await page.click("#write");
        await page.waitForSelector(".token");
        await page.click("#stop");
        await page.waitForSelector("#write:not([disabled])");
        const count = await page.locator("article:first-child .token").count();
        assertGreater(count, 0);
      });
      assertEquals(faults, []);
    } finally {
      await browser.close();
    }
  },
});
