import { assert, assertEquals, assertThrows } from "@std/assert";
import { MemoryError } from "../../../lib/errors.ts";
import { Arena, Arenas, LARGEST_ARENA } from "../../../lib/compute/wasm/memory.ts";
import { Random } from "../../../lib/random.ts";

const MiB = 1 << 20;

Deno.test("arrays of an arena start at multiples of 64, never at 0, overlap nowhere, and have 64 bytes behind", () => {
  const random = new Random(1);
  const arena = new Arena(MiB);
  const live = new Map<number, number>();
  for (let i = 0; i < 3000; i++) {
    if (live.size > 0 && random.next() < 0.5) {
      const address = [...live.keys()][Math.floor(random.next() * live.size)]!;
      arena.free(address);
      live.delete(address);
      continue;
    }
    const bytes = Math.floor(random.next() * 20000);
    if (!arena.hasRoom(bytes)) {
      assertThrows(() => arena.allocate(bytes), MemoryError);
      continue;
    }
    const address = arena.allocate(bytes);
    assertEquals(address % 64, 0);
    assert(address > 0 && address + bytes + 64 <= arena.memory.buffer.byteLength);
    for (const [other, size] of live) assert(address + bytes <= other || other + size <= address);
    live.set(address, bytes);
  }
});

Deno.test("freed neighbours become one gap again, whatever the order", () => {
  const random = new Random(2);
  const arena = new Arena(MiB);
  const all = MiB - 128;
  for (let round = 0; round < 20; round++) {
    const addresses = Array.from({ length: 100 }, () => arena.allocate(random.next() * 9000));
    while (addresses.length > 0) {
      arena.free(addresses.splice(Math.floor(random.next() * addresses.length), 1)[0]!);
    }
    assertEquals(arena.used, 0);
    arena.free(arena.allocate(all));
  }
  assertThrows(() => arena.allocate(all + 1), MemoryError, "1048576 is its limit");
});

Deno.test("views stay valid when an arena grows", () => {
  const arena = new Arena();
  const before = new Float32Array(arena.memory.buffer, arena.allocate(400), 100).fill(7);
  arena.allocate(64 * MiB);
  before[0] = 8;
  const after = new Float32Array(arena.memory.buffer, before.byteOffset, 100);
  assertEquals([after[0], after[99]], [8, 7]);
});

Deno.test("only what is in use can be freed", () => {
  const arena = new Arena(MiB);
  const address = arena.allocate(0);
  arena.free(address);
  assertThrows(() => arena.free(address), MemoryError, `address ${address}`);
});

Deno.test("what does not fit one arena goes to the next, and each keeps a quarter for what lies beside", () => {
  const arenas = new Arenas(MiB);
  const places = Array.from({ length: 30 }, () => {
    const arena = arenas.withRoom(100_000);
    arena.allocate(100_000);
    return arena;
  });
  const counts = [...Map.groupBy(places, (arena) => arena).values()].map((group) => group.length);
  assertEquals(counts, [7, 7, 7, 7, 2]);
  arenas.first.allocate(250_000);
  assertThrows(() => arenas.withRoom(2 * MiB), MemoryError, "2097152 bytes");
});

Deno.test("an arena reaches to 4 GiB, of which only what is written takes memory", () => {
  const arena = new Arena();
  arena.allocate(3 * 2 ** 30);
  const address = arena.allocate(MiB);
  assert(address >= 3 * 2 ** 30);
  new Float32Array(arena.memory.buffer, address, 16).fill(1);
  arena.allocate(LARGEST_ARENA - 128 - 3 * 2 ** 30 - MiB);
  assertEquals(arena.memory.buffer.byteLength, LARGEST_ARENA);
  assertThrows(() => arena.allocate(1), MemoryError);
});
