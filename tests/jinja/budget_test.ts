import { assert, assertEquals, assertThrows } from "@std/assert";
import { TemplateError } from "../../lib/jinja/errors.ts";
import { Template } from "../../lib/jinja/render.ts";

const render = (template: string, variables = {}) => new Template(template).render(variables);

/** Templates that would take for ever, or all memory. */
const ENDLESS: Readonly<Record<string, string>> = {
  "loops in loops": "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
  "a text that doubles":
    "{% set ns = namespace(s='ab') %}{% for i in range(99) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}",
  "a list that doubles":
    "{% set ns = namespace(l=[1]) %}{% for i in range(99) %}{% set ns.l = ns.l + ns.l %}{% endfor %}",
  "a list of itself, as JSON":
    "{% set ns = namespace(l=[1]) %}{% for i in range(60) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ ns.l | tojson }}",
  "a list of itself, printed":
    "{% set ns = namespace(l=[1]) %}{% for i in range(60) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ ns.l }}",
  "lists that are compared":
    "{% set ns = namespace(a=[1], b=[1]) %}{% for i in range(60) %}{% set ns.a = [ns.a, ns.a] %}{% set ns.b = [ns.b, ns.b] %}{% endfor %}{{ ns.a == ns.b }}",
  "a text, a billion times": "{{ 'a' * 10 ** 9 }}",
  "a wide text": "{{ 'a' | center(10 ** 9) }}{{ 'a'.zfill(10 ** 9) }}",
  "a wide number": "{{ '%9999d' % 1 }}{% for i in range(99999) %}{{ '%9999d' % 1 }}{% endfor %}",
  "a tower of powers": "{{ 9 ** 9 ** 9 ** 9 ** 9 }}",
  "a macro that calls itself": "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
  "a loop that calls itself": "{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}",
  "texts that grow by replacing":
    "{% set ns = namespace(s='a' * 1000) %}{% for i in range(99) %}{% set ns.s = ns.s.replace('a', 'aaaaaaaa') %}{% endfor %}",
  "sorting": "{% for i in range(999) %}{{ range(99999) | sort | first }}{% endfor %}",
  "searching": "{% set s = 'a' * 99999 %}{% for i in range(99999) %}{{ 'b' in s }}{% endfor %}",
  "splitting": "{% set s = 'a ' * 99999 %}{% for i in range(99999) %}{{ s.split() | length }}{% endfor %}",
  "parentheses": "{{ " + "(".repeat(5000) + "1" + ")".repeat(5000) + " }}",
  "signs": "{{ " + "-".repeat(5000) + "1 }}",
  "blocks": "{% if 1 %}".repeat(5000) + "{% endif %}".repeat(5000),
  "a long sum": "{{ " + "1+".repeat(200000) + "1 }}",
  "a long chain": "{{ a" + ".a".repeat(200000) + " }}",
  "a template of two megabytes": "a".repeat(2 << 20),
};

for (const [name, template] of Object.entries(ENDLESS)) {
  Deno.test(`${name}: a template ends with a TemplateError, soon and in little memory`, () => {
    const before = Deno.memoryUsage();
    // On a busy machine the quickest of three counts.
    let fastest = Infinity;
    for (let i = 0; i < 3 && fastest >= 5000; i++) {
      const start = performance.now();
      assertThrows(() => render(template), TemplateError);
      fastest = Math.min(fastest, performance.now() - start);
    }
    const after = Deno.memoryUsage();
    assert(fastest < 5000, `${fastest} ms`);
    const bytes = Math.max(
      after.rss - before.rss,
      after.heapUsed + after.external - before.heapUsed - before.external,
    );
    assert(bytes < 400e6, `${bytes} bytes`);
  });
}

Deno.test("what a long conversation costs is no trouble", () => {
  const messages = Array.from({ length: 2000 }, (_, i) => ({
    role: i % 2 ? "assistant" : "user",
    content: `${i} `.repeat(500),
  }));
  const template = "{% for m in messages %}<{{ m.role }}>{{ m.content | trim }}{% endfor %}";
  const expected = messages.map(({ role, content }) => `<${role}>${content.trim()}`).join("");
  assertEquals(render(template, { messages }), expected);
});

Deno.test("a date is the one that is told", () => {
  const template = new Template("{{ strftime_now('%d %b %Y, %-d.%-m.%y %H:%M:%S %A %j %I%p') }}");
  assertEquals(
    template.render({}, { now: () => new Date(2024, 6, 4, 15, 5, 9) }),
    "04 Jul 2024, 4.7.24 15:05:09 Thursday 186 03PM",
  );
});
