/**
 * What is used after it was disposed of, or by two at once, gives a typed error or a right result, on every backend.
 *
 * @module
 */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  BusyError,
  calibrate,
  DisposedError,
  generate,
  loadModel,
  type Model,
  nf4,
  OptionError,
  perplexity,
} from "any4";
import { type BackendName, createBackend } from "any4/compute";
import { Random } from "../../lib/random.ts";
import { gpuReason, hasGpu } from "../gpu.ts";

const root = `${import.meta.dirname}/../golden/models`;
const open = (backend: BackendName, name = "mixtral") =>
  loadModel(`${root}/${name}`, { backend, tune: false, threads: backend === "wasm" ? 2 : undefined });

/** A test on every backend. */
function test(name: string, run: (backend: BackendName) => Promise<void>): void {
  for (const backend of ["plain", "wasm", "webgpu"] as const) {
    const ignore = backend === "webgpu" && !hasGpu;
    Deno.test({ name: `${name}: ${backend}${ignore ? gpuReason : ""}`, ignore, fn: () => run(backend) });
  }
}

/** The result of a call, or how it was refused; any other error is a bug and thrown. */
async function outcome<T>(work: Promise<T>): Promise<T | "disposed" | "busy"> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof DisposedError) return "disposed";
    if (error instanceof BusyError) return "busy";
    throw error;
  }
}

const TOKENS = [1, 5, 9, 12, 3, 7];

test("a sequence or a model that has been disposed of cannot be continued", async (backend) => {
  const model = await open(backend);
  const session = model.session(16);
  await session.forward(TOKENS);
  session[Symbol.dispose]();
  session[Symbol.dispose]();
  await assertRejects(() => session.forward([1]), DisposedError, "sequence");
  await assertRejects(() => session.likeliest([1], 2), DisposedError, "sequence");
  await assertRejects(() => session.greedy([1], 2), DisposedError, "sequence");
  assertThrows(() => session.position = 0, DisposedError, "sequence");
  model[Symbol.dispose]();
  model[Symbol.dispose]();
  assertThrows(() => model.session(16), DisposedError, "mixtral");
  assertThrows(() => model.with({ name: "other" }), DisposedError, "mixtral");
  for (
    const use of [
      generate(model, "a b"),
      perplexity(model, { text: "a b c" }),
      calibrate(model, { text: "a b" }),
    ]
  ) {
    await assertRejects(() => use, DisposedError, "mixtral");
  }
});

test("of two calls on one sequence at once the second is refused, and the first is right", async (backend) => {
  using model = await open(backend);
  using alone = model.session(16);
  const expected = await alone.forward(TOKENS);
  using session = model.session(16);
  const first = session.forward(TOKENS);
  await assertRejects(() => session.forward([1, 2]), BusyError);
  await assertRejects(() => session.greedy([1, 2], 3), BusyError);
  assertThrows(() => session.position = 0, BusyError);
  assertEquals(await first, expected);
  // Afterwards it is free again, also to go back.
  session.position = 2;
  assertEquals(await session.forward(TOKENS.slice(2)), await continued(model, 2));
});

/** Logits of the last token where the first few went through alone. */
async function continued(model: Model, first: number): Promise<Float32Array> {
  using session = model.session(16);
  await session.forward(TOKENS);
  session.position = first;
  return await session.forward(TOKENS.slice(first));
}

test("a sequence or a model disposed of in the middle of a call ends it, and harms no other", async (backend) => {
  for (const what of ["session", "model"] as const) {
    const model = await open(backend);
    using other = await nf4(model);
    using mine = other.session(16);
    const expected = await mine.forward(TOKENS);
    mine.position = 0;
    const session = model.session(16);
    let calls = 0;
    const work = session.forward(TOKENS, {
      logits: "all",
      observe: () => {
        if (++calls === 2) (what === "session" ? session : model)[Symbol.dispose]();
      },
    });
    const [disposed, others] = await Promise.all([outcome(work), mine.forward(TOKENS)]);
    // The plain backend frees nothing: a model's weights may serve the call to its end.
    assert(
      disposed === "disposed" || backend === "plain" && what === "model",
      `to dispose of the ${what} did not end the call`,
    );
    assertEquals(others, expected);
    model[Symbol.dispose]();
  }
});

test("a backend that has been disposed of, and what it freed, cannot be used", async (name) => {
  const backend = await createBackend(name, { tune: false });
  const [x, y] = [backend.tensor(1, 8), backend.tensor(1, 8)];
  backend.write(x, new Float32Array(8).fill(1));
  const cache = backend.cache({ layers: 1, kvHeads: 1, headDim: 8, capacity: 4 });
  if (backend.free) {
    backend.free(y);
    backend.free(y);
    assertThrows(() => backend.add(x, y), DisposedError, "freed");
    await assertRejects(async () => await backend.read(y), DisposedError, "freed");
    // Its memory is another's now.
    const z = backend.tensor(1, 8);
    backend.write(z, new Float32Array(8).fill(2));
    backend.free(y);
    const [a, b] = [backend.tensor(1, 8), backend.tensor(1, 8)];
    backend.write(a, new Float32Array(8).fill(3));
    backend.write(b, new Float32Array(8).fill(4));
    assertEquals([...await backend.read(z)], new Array(8).fill(2));
    backend.free(cache);
    const attend = () => backend.attention(b, { q: x, k: x, v: x }, { cache, layer: 0, position: 0 });
    assertThrows(attend, DisposedError, "cache");
    const matrix = { rows: 8, cols: 8, data: new Float32Array(64).fill(1) };
    const weight = backend.weight(matrix);
    backend.forget?.(matrix);
    assertThrows(() => backend.linear(a, x, { weight }), DisposedError, "freed");
    assertThrows(() => backend.embed(a, weight, [0]), DisposedError, "freed");
  }
  backend[Symbol.dispose]();
  backend[Symbol.dispose]();
  if (name === "plain") return;
  assertThrows(() => backend.tensor(1, 8), DisposedError);
  assertThrows(() => backend.add(x, x), DisposedError);
});

test("a capacity or a position that is none is refused", async (backend) => {
  using model = await open(backend);
  for (const nonsense of [NaN, -1, 1.5, Infinity]) assertThrows(() => model.session(nonsense), OptionError);
  using session = model.session(8);
  await session.forward([1, 2, 3]);
  for (const nonsense of [NaN, -1, 1.5, 4, Infinity]) {
    assertThrows(() => session.position = nonsense, OptionError);
  }
  assertEquals(session.position, 3);
});

test("a signal calls passes and perplexity off, and what they used can be used further", async (backend) => {
  using model = await open(backend);
  const text = "a b c d e f";
  const expected = await perplexity(model, { text });
  const controller = new AbortController();
  using session = model.session(16);
  const work = session.forward(TOKENS, { signal: controller.signal });
  controller.abort();
  const error = await work.then(() => undefined, (error) => error);
  assert(error instanceof DOMException && error.name === "AbortError", String(error));
  assertEquals(session.position, 0);
  const { signal } = controller;
  for (
    const call of [() => session.greedy(TOKENS, 2, { signal }), () => perplexity(model, { text, signal })]
  ) {
    assertEquals(await call().then(() => "done", ({ name }) => name), "AbortError");
  }
  const reason = new Error("enough");
  await assertRejects(() => session.forward(TOKENS, { signal: AbortSignal.abort(reason) }), Error, "enough");
  assertEquals(await perplexity(model, { text }), expected);
});

/** Calls at random on models that share a backend, some of them disposed of meanwhile. */
async function storm(backend: BackendName, calls: number): Promise<Map<string, number>> {
  const random = new Random(7);
  const below = (n: number) => Math.floor(random.next() * n);
  const names = ["mixtral", "gemma3", "llama3"];
  type Call = (models: Model) => Promise<unknown>;
  const works: Record<string, Call> = {
    generate: async (model) => (await generate(model, "a b c", { maxTokens: 4 })).tokens,
    perplexity: async (model) => (await perplexity(model, { text: "a b c d e f g" })).loss,
    calibrate: async (model) =>
      [...(await calibrate(model, { text: "a b c d e" })).values()].map(({ meanSquare }) => meanSquare),
    forward: async (model) => {
      using session = model.session(8);
      return await session.forward(TOKENS);
    },
  };
  const expected = new Map<string, unknown>();
  for (const name of names) {
    using model = await open(backend, name);
    using small = await nf4(model);
    for (const [kind, work] of Object.entries(works)) {
      expected.set(`${kind} 0 ${name}`, await work(model));
      expected.set(`${kind} 1 ${name}`, await work(small));
    }
  }
  const counts = new Map<string, number>();
  const count = (what: string) => void counts.set(what, (counts.get(what) ?? 0) + 1);
  let made = 0;
  while (made < calls) {
    const name = names[below(names.length)]!;
    const model = await open(backend, name);
    const models = [model, await nf4(model)];
    const shared = models.map((each) => each.session(64));
    const running: Promise<void>[] = [];
    for (let i = 0; i < 25; i++, made++) {
      const which = below(2);
      if (below(12) === 0) {
        models[which]![Symbol.dispose]();
        count("dispose");
        continue;
      }
      if (below(6) === 0) {
        // Two users of one sequence: its numbers depend on who came first, so only errors are judged.
        const call = outcome(shared[which]!.forward([1, 2]));
        running.push(call.then((result) => count(typeof result === "string" ? result : "shared")));
        continue;
      }
      const kinds = Object.keys(works);
      const kind = kinds[below(kinds.length)]!;
      const call = outcome(Promise.resolve().then(() => works[kind]!(models[which]!)));
      running.push(call.then((result) => {
        if (typeof result === "string") return count(result);
        assertEquals(result, expected.get(`${kind} ${which} ${name}`), `${kind} of ${which} of ${name}`);
        count("right");
      }));
      for (let turns = below(4); turns > 0; turns--) {
        await new Promise((resolve) => setTimeout(resolve, below(3)));
      }
    }
    await Promise.all(running);
    for (const session of shared) session[Symbol.dispose]();
    for (const each of models) each[Symbol.dispose]();
  }
  return counts;
}

for (const [backend, calls] of [["plain", 1000], ["wasm", 1000], ["webgpu", 200]] as const) {
  const ignore = backend === "webgpu" && !hasGpu;
  Deno.test({
    name: `${calls} interleaved calls on shared models are all right or typed: ${backend}${
      ignore ? gpuReason : ""
    }`,
    ignore,
    async fn() {
      const counts = await storm(backend, calls);
      for (const kind of ["right", "shared", "busy", "disposed", "dispose"]) {
        assert((counts.get(kind) ?? 0) > 0, `no call was ${kind}`);
      }
    },
  });
}
