/**
 * Several kernels that need not wait for one another, started as one.
 *
 * @module
 */
import { enables, type Kernel, line, workgroupIndex } from "./kernel.ts";

/** What a kernel's text is taken apart into. */
interface Text {
  /** Its bindings without their numbers: `var<storage, read> codes: array<u32>;`. */
  readonly bindings: readonly string[];
  /** What lies in workgroup memory. */
  readonly shared: readonly string[];
  /** The rest before its entry point. */
  readonly rest: string;
  readonly threads: string;
  /** The entry point's parameters. */
  readonly parameters: readonly string[];
  /** The entry point's text from its body on. */
  readonly body: string;
}

/** Parameters of an entry point that mean the same where several kernels are one. */
const PARAMETERS =
  /^@builtin\((workgroup_id|num_workgroups|local_invocation_index|(num_)?subgroup\w*)\) (\w+): \w+$/;

function textOf({ code }: Kernel): Text | undefined {
  const parts =
    /^((?:enable \w+;\n)*)([^]*?)@compute @workgroup_size\((\d+)\)\s*fn main\(([^]*?)\)\s*(\{[^]*)$/.exec(
      code,
    );
  if (!parts) return undefined;
  const [, , declared, threads, parameters, body] = parts;
  const bindings: string[] = [];
  const shared: string[] = [];
  const rest = declared!.replace(
    /^(@group\(0\) @binding\(\d+\) )?(var<(storage|uniform|workgroup)[^;]*;)$/gm,
    (_, bound, text) => {
      (bound ? bindings : shared).push(text);
      return "";
    },
  );
  const listed = parameters!.replace(/\s+/g, " ").split(",").map((one) => one.trim()).filter((one) =>
    one !== ""
  );
  return { bindings, shared, rest, threads: threads!, parameters: listed, body: body! };
}

const nameOf = (declaration: string) => /(?:>|fn|struct) (\w+)/.exec(declaration)![1]!;

/**
 * Kernels that read the same second binding, `x`, as one, whose workgroups are those of all, one kernel's behind another's; and
 * undefined where they cannot be: where they differ in the size of workgroups or in what lies in workgroup memory. A start
 * costs the processor more than many of them cost a GPU.
 *
 * Bindings: x, then each kernel's others, in order.
 */
export function together(kernels: readonly Kernel[], tokens: number): Kernel | undefined {
  const texts = kernels.map(textOf);
  const [first] = texts;
  const alike = (text: Text | undefined): text is Text =>
    text !== undefined && text.threads === first!.threads && text.shared.join() === first!.shared.join() &&
    text.bindings.length > 1 && nameOf(text.bindings[1]!) === "x" &&
    text.bindings.every((binding) => !binding.includes("uniform")) &&
    text.parameters.every((parameter) => PARAMETERS.test(parameter));
  if (!first || !texts.every(alike)) return undefined;
  const counts = kernels.map((kernel) => kernel.workgroups(tokens).reduce((product, n) => product * n, 1));
  const features = [...new Set(kernels.flatMap(({ features = [] }) => features))];
  const parameters = [...new Set(texts.flatMap(({ parameters }) => parameters))];
  const own = (text: Text) => text.bindings.filter((_, i) => i !== 1);
  const bound = [first.bindings[1]!];
  const functions: string[] = [];
  const calls: string[] = [];
  let before = 0;
  for (const [n, text] of texts.entries()) {
    const names = [...own(text), ...text.rest.match(/^(fn|struct) \w+/gm) ?? []].map(nameOf);
    const suffixed = (wgsl: string) => wgsl.replace(new RegExp(`\\b(${names.join("|")})\\b`, "g"), `$1_${n}`);
    bound.push(...own(text).map(suffixed));
    const plain = text.parameters.map((parameter) => parameter.replace(/^@builtin\(\w+\) /, ""));
    functions.push(`${suffixed(text.rest)}\nfn main_${n}(${plain.join(", ")}) ${suffixed(text.body)}`);
    const args = plain.map((parameter) => {
      const name = parameter.split(":")[0]!;
      return name === "wid"
        ? `vec3u(at - ${before}u, 0u, 0u)`
        : name === "nwg"
        ? `vec3u(${counts[n]}u, 1u, 1u)`
        : name;
    });
    const call = `{ main_${n}(${args.join(", ")}); }`;
    before += counts[n]!;
    calls.push(n === texts.length - 1 ? call : `if (at < ${before}u) ${call}`);
  }
  return {
    name: kernels.map(({ name }) => name).join(" and "),
    features,
    workgroups: () => line(before),
    code: `${enables(features)}${bound.map((text, i) => `@group(0) @binding(${i}) ${text}`).join("\n")}
${first.shared.join("\n")}
${functions.join("\n")}

@compute @workgroup_size(${first.threads})
fn main(${parameters.join(", ")}) {
  let at = ${workgroupIndex};
  ${calls.join(" else ")}
}`,
  };
}
