import { assertEquals, assertThrows } from "@std/assert";
import { OptionError } from "any4";
import { fromReference } from "../../tasks/reference_names.ts";

function translated(...args: string[]): { out: string[]; said: string[] } {
  const said: string[] = [];
  return { out: fromReference(args, (text) => said.push(text)), said };
}

Deno.test("names of the reference become this project's, each with a word", () => {
  const given = ["--model-name", "org/name", "--num_fewshot=5", "--tasks", "piqa", "--num_samples", "9"];
  assertEquals(translated(...given), {
    out: ["--model", "org/name", "--num-fewshot", "5", "--tasks", "piqa", "--limit", "9"],
    said: [
      "--model-name is --model here",
      "--num_fewshot is --num-fewshot here",
      "--num_samples is --limit here",
    ],
  });
  const own = ["-m", "tinyworld", "--format", "any4", "a text about --model-name"];
  assertEquals(translated(...own), { out: own, said: [] });
});

Deno.test("methods of the reference with their arguments become formats and group sizes", () => {
  const cases: [string[], string[]][] = [
    [["--quantize", "anyq"], ["--format", "any4"]],
    [["--quantize=intq", "--quantize-args", "n_bit=3,group_size=64"], [
      "--format",
      "int3",
      "--group-size",
      "64",
    ]],
    [["--quantize-args", "skip_modules=lm_head", "--quantize", "nf4"], ["--format", "nf4"]],
  ];
  for (const [given, expected] of cases) {
    const { out, said } = translated(...given);
    assertEquals(out, expected);
    assertEquals(said.length, 1);
  }
});

Deno.test("what has no counterpart is refused by name", () => {
  assertThrows(() => translated("--quantize", "gptq"), OptionError, "--quantize gptq: expected one of anyq");
  assertThrows(
    () => translated("--quantize", "anyq", "--quantize-args", "n_bit=4,init=pow"),
    OptionError,
    "Cannot translate --quantize-args init=pow",
  );
});
