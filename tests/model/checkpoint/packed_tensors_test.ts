import { assertEquals, assertRejects } from "@std/assert";
import {
  any4,
  CheckpointError,
  ConfigError,
  isPacked,
  loadModel,
  type Model,
  nf4,
  type PackedMatrix,
  quantizeModel,
  saveModel,
  TensorError,
} from "any4";
import type { Format } from "any4/formats";
import { Checkpoint } from "../../../lib/model/checkpoint/checkpoint.ts";
import { writeCheckpoint } from "../../../lib/model/checkpoint/write_checkpoint.ts";

const model = await loadModel("tinyworld");

Deno.test("a checkpoint whose packed parts do not fit together throws", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await saveModel(await any4(model), folder);
    const path = `${folder}/config.json`;
    const config = JSON.parse(Deno.readTextFileSync(path));
    const name = "model.layers.0.mlp.up_proj.weight";
    for (
      const entry of [{ format: "any3", group_size: 128 }, { format: "any4", group_size: 64 }, {
        format: "any4",
        group_size: 0,
      }]
    ) {
      config.quantization_config.tensors[name] = entry;
      Deno.writeTextFileSync(path, JSON.stringify(config));
      await assertRejects(() => loadModel(folder), CheckpointError, name);
    }
    config.quantization_config = { quant_method: "gptq" };
    Deno.writeTextFileSync(path, JSON.stringify(config));
    await assertRejects(() => loadModel(folder), ConfigError, "gptq");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

const NAME = "model.layers.0.mlp.up_proj.weight";

/** Runs with a saved model. */
async function saved(small: Model, run: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await saveModel(small, folder);
    await run(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Says of one matrix of a saved model that it is of another format. */
function relabel(
  folder: string,
  edit: (quantization: Record<string, Record<string, unknown>>) => void,
): void {
  const path = `${folder}/config.json`;
  const config = JSON.parse(Deno.readTextFileSync(path));
  edit(config.quantization_config);
  Deno.writeTextFileSync(path, JSON.stringify(config));
}

Deno.test("a matrix under the name of another format throws, whether codebooks are learned or fixed", async () => {
  await saved(await any4(model), async (folder) => {
    relabel(folder, ({ tensors }) => tensors![NAME] = { format: "int4", group_size: 128 });
    await assertRejects(() => loadModel(folder), CheckpointError, "no codebook of int4:128");
    // As folders were saved before there were codebooks.
    relabel(folder, (quantization) => delete quantization.codebooks);
    await assertRejects(() => loadModel(folder), CheckpointError, `${NAME} of ${folder}: it has `);
    relabel(folder, ({ tensors }) => tensors![NAME] = { format: "nf4", group_size: 128 });
    await assertRejects(() => loadModel(folder), CheckpointError, NAME);
  });
  await saved(await nf4(model, { groupSize: 64 }), async (folder) => {
    relabel(folder, ({ tensors }) => tensors![NAME] = { format: "fp4", group_size: 64 });
    await assertRejects(
      () => loadModel(folder),
      CheckpointError,
      "no codebook of fp4:64 with that format's values",
    );
    relabel(folder, ({ tensors, codebooks }) => {
      tensors![NAME] = { format: "nf4", group_size: 64 };
      (codebooks!["nf4:64"] as number[])[3] = -0.5;
    });
    await assertRejects(
      () => loadModel(folder),
      CheckpointError,
      "no codebook of nf4:64 with that format's values",
    );
    // As folders were saved before there were codebooks.
    relabel(folder, (quantization) => delete quantization.codebooks);
    using again = await loadModel(folder);
    assertEquals(again.bitsPerWeight < 5, true);
  });
});

Deno.test("a format of one's own is saved and loads again bit for bit, with zeros and without", async () => {
  const scaling = (min: number, max: number) => Math.max(-min, max, 1e-6) / 2;
  const own: Format[] = [
    {
      name: "cubes",
      bits: 3,
      groupSize: 64,
      summary: "cubes of −1 … 1",
      values: () => Float32Array.from({ length: 8 }, (_, i) => 2 * ((i - 3.5) / 3.5) ** 3),
      scaling: { scale: scaling, stored: "f16" },
    },
    {
      name: "steps",
      bits: 2,
      groupSize: 32,
      summary: "steps from the least value on",
      values: () => Float32Array.of(0, 1, 2, 4),
      scaling: { scale: (min, max) => Math.max(max - min, 1e-6) / 4, zero: (min) => min, stored: "f16" },
    },
  ];
  for (const format of own) {
    const small = await quantizeModel(model, { format });
    await saved(small, async (folder) => {
      using again = await loadModel(folder);
      for (const [name, tensor] of small.tensors) {
        if (isPacked(tensor)) assertEquals(again.tensors.get(name), tensor, name);
      }
    });
  }
});

Deno.test("scales, zeros and codebooks that are not finite throw, and name the tensor", async () => {
  const small = await any4(model);
  const packed = small.weights("model.layers.0.mlp.up_proj") as PackedMatrix;
  for (const part of ["scales", "zeros", "codebook"] as const) {
    const spoilt = { ...packed, [part]: packed[part]!.map((value, i) => i === 5 ? NaN : value) };
    await saved(small.with({ tensors: new Map([...small.tensors, [NAME, spoilt]]) }), async (folder) => {
      await assertRejects(
        () => loadModel(folder),
        TensorError,
        `${NAME}.${part} of ${folder}: row ${part === "codebook" ? "0, column 5" : "2, column 1"} is NaN`,
      );
    });
  }
});

Deno.test("weights, norms and embeddings that are not finite throw, and name the tensor and the place", async () => {
  for (
    const name of ["model.embed_tokens.weight", "model.norm.weight", "model.layers.1.self_attn.k_proj.weight"]
  ) {
    const folder = await Deno.makeTempDir();
    using source = Checkpoint.open(model.folder);
    const tensors = source.names().map((tensor) => ({
      ...source.info(tensor),
      data() {
        const bytes = source.read(tensor).slice();
        // Infinity as BF16, in the third place.
        if (tensor === name) bytes.set([0x80, 0xff], 4);
        return bytes;
      },
    }));
    writeCheckpoint(folder, { config: source.rawConfig, tensors, copyFrom: model.folder });
    await assertRejects(
      () => loadModel(folder),
      TensorError,
      `"${name}" of ${folder}: row 0, column 2 is -Infinity`,
    );
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a group_size beyond a row throws, even where the parts would fit", async () => {
  const small = await quantizeModel(model, { format: "int4", groupSize: "row", skip: "*.down_proj" });
  const { cols } = small.weights("model.layers.0.mlp.up_proj");
  await saved(small, async (folder) => {
    relabel(folder, (quantization) => {
      assertEquals(quantization.tensors![NAME], { format: "int4", group_size: cols });
      quantization.tensors![NAME] = { format: "int4", group_size: cols + 1 };
      // As folders were saved before there were codebooks.
      delete quantization.codebooks;
    });
    await assertRejects(() => loadModel(folder), CheckpointError, `between 1 and ${cols}`);
  });
});
