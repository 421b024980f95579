/**
 * Templates against what transformers renders (tests/golden/make_templates.py).
 *
 * @module
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { TemplateError } from "../../lib/jinja/errors.ts";
import { Template } from "../../lib/jinja/render.ts";

interface Run {
  readonly conversation: string;
  readonly variables: Record<string, unknown>;
  readonly output: string | null;
}

interface Golden {
  readonly tokens: Record<string, string>;
  readonly tools: unknown[];
  readonly documents: unknown[];
  readonly conversations: Record<string, Record<string, unknown>[]>;
  readonly variables: Record<string, unknown>;
  readonly families: { readonly name: string; readonly template: string; readonly runs: readonly Run[] }[];
  readonly constructs: { readonly template: string; readonly output: string | null }[];
}

const golden: Golden = JSON.parse(Deno.readTextFileSync(`${import.meta.dirname}/../golden/templates.json`));

/** Constructs that Jinja2 renders and we refuse. */
const REFUSED = ["{{ namespace }}", "{{ 'é'.encode('utf8') }}"];

/** What transformers gives a template. */
function given(conversation: string, variables: Record<string, unknown>): Record<string, unknown> {
  const { tokens, conversations, tools, documents } = golden;
  const messages = conversations[conversation]!.map((message) => {
    const { reasoning_content: thinking, ...rest } = Object.fromEntries(
      Object.entries(message).filter(([, value]) => value !== null),
    );
    return thinking === undefined ? rest : { thinking, ...rest, reasoning_content: thinking };
  });
  return {
    ...{ add_generation_prompt: false, tools: null, documents: null, ...tokens, ...variables, messages },
    ...variables.tools ? { tools } : {},
    ...variables.documents ? { documents } : {},
  };
}

function check(template: string, variables: Record<string, unknown>, expected: string | null): void {
  const render = () => new Template(template).render(variables);
  if (expected === null) assertThrows(render, TemplateError);
  else assertEquals(render(), expected, template);
}

for (const { name, template, runs } of golden.families) {
  Deno.test(`a template with the constructs of ${name} renders as transformers does`, () => {
    for (const { conversation, variables, output } of runs) {
      check(template, given(conversation, variables), output);
    }
  });
}

Deno.test("single expressions and statements render as Jinja2 does, or are refused", () => {
  for (const { template, output } of golden.constructs) {
    const refused = REFUSED.includes(template);
    check(template, given("turns", golden.variables), refused ? null : output);
  }
  assert(golden.constructs.length > 200);
});
