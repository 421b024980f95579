import { assert } from "@std/assert";

Deno.test("every kernel is among those that are compiled", async () => {
  const text = (path: string) => Deno.readTextFile(new URL(path, import.meta.url));
  const users = await Promise.all(
    ["./every_kernel.ts", "../../kernels/wgsl/mod.ts", "../../kernels/wgsl/ladder.ts"].map(text),
  );
  const lookups = await text("../../kernels/wgsl/table_6_subgroups.ts");
  for await (const { name } of Deno.readDir(new URL("../../kernels/wgsl/", import.meta.url))) {
    const source = await text(`../../kernels/wgsl/${name}`);
    for (
      const [, maker] of source.matchAll(/^export function (\w+)\([^{]*?\): (?:Kernel|TopKPass\[\]) \{/gms)
    ) {
      if (["elementwise", "outerProducts", "rowsKernel", "tileKernel"].includes(maker!)) continue;
      const uses = [...users, lookups].join("\n").match(new RegExp(`\\b${maker}\\b`, "g")) ?? [];
      assert(uses.length > 1, `${maker} of ${name}`);
    }
  }
});
