import { assertEquals } from "@std/assert";
import { progress } from "../../lib/terminal/progress.ts";

/** A clock that is set by hand, and the lines written so far. */
function record() {
  const lines: string[] = [];
  const clock = { ms: 0 };
  const options = {
    write: (line: string) => void lines.push(line.replaceAll("\u00a0", " ")),
    now: () => clock.ms,
  };
  return { lines, clock, options };
}

Deno.test("progress writes nothing when quiet", () => {
  const { lines, clock, options } = record();
  const { error } = console;
  console.error = (line) => void lines.push(String(line));
  try {
    {
      using bar = progress("quantizing", 10, { ...options, quiet: true });
      for (let i = 1; i <= 10; i++) {
        clock.ms += 10_000;
        bar.update(i);
      }
      bar.done();
    }
    assertEquals(lines, []);
  } finally {
    console.error = error;
  }
});

Deno.test("progress outside a terminal writes a line every five seconds and one at the end", () => {
  const { lines, clock, options } = record();
  {
    using bar = progress("quantizing", 4, options);
    for (let i = 1; i <= 4; i++) {
      clock.ms += 3000;
      bar.update(i, `layer ${i}`);
    }
  }
  assertEquals(lines, ["quantizing: 50 %, about 6.0 s left, layer 2", "quantizing: done in 12 s"]);
});

Deno.test("short work leaves no line", () => {
  const { lines, clock, options } = record();
  {
    using bar = progress("measuring", 2, options);
    clock.ms = 1000;
    bar.update(2);
  }
  assertEquals(lines, []);
});

Deno.test("work that is broken off is not called done", () => {
  const { lines, clock, options } = record();
  {
    using bar = progress("measuring", 2, options);
    clock.ms = 4000;
    bar.update(1);
  }
  assertEquals(lines, []);
});

Deno.test("progress says done once, with its note, and ignores what comes later", () => {
  const { lines, clock, options } = record();
  {
    using bar = progress("measuring", 2, options);
    clock.ms = 4000;
    bar.done("perplexity 3.21");
    bar.update(1);
    bar.done();
  }
  assertEquals(lines, ["measuring: done in 4.0 s, perplexity 3.21"]);
});
