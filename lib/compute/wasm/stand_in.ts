/** Until pool.ts is there. */
export interface Arena {
  readonly memory: WebAssembly.Memory;
  allocate(bytes: number): number;
  free(address: number): void;
}
export interface Pool extends Disposable {
  readonly threads: number;
  arena(bytes?: number): Arena;
  run(arena: Arena, name: string, args: readonly number[], count: number, grain?: number): void;
}
type Kernel = (...args: number[]) => void;
export function standIn(file = "any4_relaxed.wasm", chunk = 0, arenas = 1): Pool {
  const module = new WebAssembly.Module(
    Deno.readFileSync(new URL(`../../../kernels/wasm/${file}`, import.meta.url)),
  );
  const make = () => {
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 65536, shared: true });
    const instance = new WebAssembly.Instance(module, { env: { memory } });
    let next = 64;
    return {
      memory,
      exports: instance.exports as Record<string, Kernel>,
      allocate(bytes: number) {
        const at = next;
        next = Math.ceil((next + bytes) / 64) * 64;
        const missing = next - memory.buffer.byteLength;
        if (missing > 0) memory.grow(Math.ceil(missing / 65536));
        return at;
      },
      free() {},
    };
  };
  const all = Array.from({ length: arenas }, make);
  let turn = 0;
  return {
    threads: 1,
    arena: (bytes) => bytes === undefined ? all[0]! : all[turn++ % arenas]!,
    run(arena, name, args, count, grain = 1) {
      const kernel = (arena as ReturnType<typeof make>).exports[name]!;
      const step = chunk * grain || count;
      for (let from = 0; from < count; from += step) kernel(...args, from, Math.min(from + step, count));
    },
    [Symbol.dispose]() {},
  };
}
