/**
 * Jinja2 templates, as transformers renders them: in a sandbox, with `trim_blocks`, `lstrip_blocks`, loop controls and the
 * `generation` tag.
 *
 * @module
 */
import { Budget } from "./budget.ts";
import { fail, TemplateError } from "./errors.ts";
import { globals } from "./globals.ts";
import { Interpreter } from "./interpreter.ts";
import type { Statement } from "./nodes.ts";
import { parse } from "./parser.ts";
import { fromJson } from "./values.ts";

/** Longer templates are none: the longest today have 30 kB. */
const LONGEST = 1 << 20;

/** Characters of the texts in JSON. */
function size(json: unknown): number {
  return typeof json === "string" ? json.length : JSON.stringify(json)?.length ?? 0;
}

/** Runs, and turns what the engine throws when calls are nested too deep into an error on purpose. */
function guarded<T>(run: () => T): T {
  try {
    return run();
  } catch (cause) {
    if (cause instanceof RangeError) {
      throw new TemplateError("it is nested too deep, or too large", { cause });
    }
    throw cause;
  }
}

/** A parsed template. */
export class Template {
  readonly #body: readonly Statement[];

  /** @throws {TemplateError} when it is malformed, or uses what is not supported. */
  constructor(source: string) {
    if (source.length > LONGEST) fail(`it has ${source.length} characters, at most ${LONGEST} are read`);
    this.#body = guarded(() => parse(source));
  }

  /**
   * The text that it makes of variables.
   *
   * @param variables values of JSON.
   * @param options.now the time that `strftime_now` tells; this moment's when absent.
   * @throws {TemplateError} when it fails, asks for what is not supported, or costs too much.
   *
   * @example
   * ```ts
   * import { assertEquals } from "@std/assert";
   * const template = new Template("{% for x in list %}{{ loop.index }}. {{ x | upper }}\n{% endfor %}");
   * assertEquals(template.render({ list: ["a", "b"] }), "1. A\n2. B\n");
   * ```
   */
  render(variables: Readonly<Record<string, unknown>>, options: { now?: () => Date } = {}): string {
    return guarded(() => {
      const given = new Map(Object.entries(variables).map(([name, value]) => [name, fromJson(value)]));
      const budget = new Budget(size(variables));
      const interpreter = new Interpreter(budget, globals(budget, options.now ?? (() => new Date())));
      return interpreter.run(this.#body, given);
    });
  }
}
