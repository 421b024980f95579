/**
 * `deno task models`: the models in the Hub's cache, and small ones to start with.
 *
 * @module
 */
import { cachedModels, hubSettings, starterModels } from "any4/hub";
import { size, table, visible } from "any4/show";
import { command, jsonOption, main, print, printJson } from "./cli.ts";

const options = command(
  "models",
  "List the models that are downloaded, and small public ones to start with.",
)
  .addOption(jsonOption())
  .parse(Deno.args, { from: "user" })
  .opts<{ json?: true }>();

/** A line of both tables. */
interface Line {
  readonly id: string;
  readonly bytes: number;
  readonly architecture?: string;
  readonly licence?: string;
  readonly gated?: boolean;
}

function lines(models: readonly Line[]): string {
  return table(
    [{ title: "model" }, { title: "size", align: "right" }, { title: "architecture" }, { title: "licence" }],
    models.map(({ id, bytes, architecture = "?", licence = "?", gated }) => [
      visible(id),
      size(bytes),
      visible(architecture),
      visible(licence) + (gated ? ", to be accepted on the Hub" : ""),
    ]),
  );
}

await main(() => {
  const { cache, endpoint } = hubSettings();
  const cached = cachedModels();
  const have = new Set(cached.map(({ id }) => id));
  const starters = starterModels.map((model) => ({ ...model, cached: have.has(model.id) }));
  if (options.json) {
    printJson({ cache, endpoint, cached, starters }, 2);
    return Promise.resolve();
  }
  print(cached.length === 0 ? `Nothing is downloaded to ${cache} yet.` : `Downloaded to ${cache}:\n`);
  if (cached.length > 0) print(lines(cached));
  print(`\nSmall models to start with, at ${endpoint}; sizes are about what is downloaded:\n`);
  print(lines(starters.filter(({ cached }) => !cached)));
  print(
    `\ndeno task start --model ${starterModels[0]!.id} compares the formats on one. It is downloaded once.`,
  );
  return Promise.resolve();
});
