/**
 * Names of any4's reference (facebookresearch/any4) for options of tasks.
 *
 * @module
 */
import { OptionError } from "any4";

/** Options that go by another name here, and the tasks that have them under it. */
const NAMES: Readonly<Record<string, string>> = {
  "--model-name": "--model",
  "--model_name": "--model",
  "--num_fewshot": "--num-fewshot",
  "--num_samples": "--limit",
  "--num-samples": "--samples",
  "--max-seq-len": "--length",
  "--dataset": "--data",
  "--prompt": "--text",
};

/** Its methods of quantization, whose bits `--quantize-args n_bit=…` says. */
const METHODS: Readonly<Record<string, (bits: number) => string>> = {
  anyq: (bits) => `any${bits}`,
  intq: (bits) => `int${bits}`,
  fp4: () => "fp4",
  nf4: () => "nf4",
};

/**
 * Translates arguments that are the reference's.
 *
 * @param say is told of each translation.
 * @returns this project's arguments.
 * @throws {OptionError} when a method, or one of its arguments, has no counterpart.
 */
export function fromReference(given: readonly string[], say: (text: string) => void): string[] {
  const out: string[] = [];
  let [quantize, settings]: (string | undefined)[] = [];
  for (let i = 0; i < given.length; i++) {
    const [, name = "", joined] = /^(--[\w-]+)(?:=(.*))?$/s.exec(given[i]!) ?? [];
    const value = () => joined ?? given[++i] ?? "";
    if (name === "--quantize") quantize = value();
    else if (name === "--quantize-args") settings = value();
    else if (NAMES[name] !== undefined) {
      say(`${name} is ${NAMES[name]} here`);
      out.push(NAMES[name], ...joined === undefined ? [] : [joined]);
    } else out.push(given[i]!);
  }
  if (quantize === undefined && settings === undefined) return out;
  const options = quantizeOptions(quantize ?? "", settings ?? "");
  say(
    `--quantize ${[quantize, settings && `--quantize-args ${settings}`].filter(Boolean).join(" ")} is ${
      options.join(" ")
    } here`,
  );
  return [...out, ...options];
}

function quantizeOptions(method: string, settings: string): string[] {
  const format = METHODS[method];
  if (!format) {
    throw new OptionError(
      `Cannot translate --quantize ${method}: expected one of ${
        Object.keys(METHODS).join(", ")
      }, or --format`,
    );
  }
  let bits = 4;
  const options: string[] = [];
  for (const setting of settings.split(",").filter((one) => one !== "")) {
    const [, name, value] = /^(\w+)=(.+)$/.exec(setting) ?? [];
    if (name === "n_bit") bits = Number(value);
    else if (name === "group_size") options.push("--group-size", value!);
    // Heads are never quantized here, if not asked for.
    else if (setting !== "skip_modules=lm_head") {
      throw new OptionError(
        `Cannot translate --quantize-args ${setting}: expected n_bit, group_size or skip_modules=lm_head`,
      );
    }
  }
  return ["--format", format(bits), ...options];
}
