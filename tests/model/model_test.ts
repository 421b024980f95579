import { assert, assertEquals, assertRejects } from "@std/assert";
import { DisposedError, loadModel, quantizeModel } from "any4";

const model = await loadModel("tinyworld");

Deno.test("a model that is disposed of leaves those made of it working, and the other way round", async () => {
  for (const disposeFirst of ["original", "quantized"]) {
    const original = await loadModel("tinyworld", { threads: 1 });
    const small = await quantizeModel(original, { format: "int4" });
    const [first, second] = disposeFirst === "original" ? [original, small] : [small, original];
    first[Symbol.dispose]();
    first[Symbol.dispose]();
    await second.session().forward([1, 2, 3]);
    second[Symbol.dispose]();
    await assertRejects(
      () => second.session().forward([1, 2, 3]),
      DisposedError,
      "it has been disposed of",
    );
  }
});

Deno.test("a matrix that several models share lies on their backend once", async () => {
  const small = await quantizeModel(model, { format: "int4" });
  const embedding = model.tensors.get("model.embed_tokens.weight")!;
  assertEquals(small.tensors.get("model.embed_tokens.weight"), embedding);
  assert(small.backend.weight(embedding) === model.backend.weight(embedding));
});
