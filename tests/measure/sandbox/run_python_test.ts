import { assertEquals, assertLess } from "@std/assert";
import { runPython } from "any4/measure";

Deno.test("a program that ends without an error passes, one that raises fails", async () => {
  assertEquals(await runPython("def add(a, b):\n    return a + b\nassert add(1, 2) == 3"), "passed");
  assertEquals(await runPython("assert 1 + 1 == 3"), "failed");
  assertEquals(await runPython("import sys; sys.exit(0)"), "failed");
});

Deno.test("a program that loops is stopped after its time, even where it catches all exceptions", async () => {
  const before = performance.now();
  const loops = "while True:\n    try:\n        while True: pass\n    except BaseException: pass";
  assertEquals(await runPython(loops, { seconds: 1 }), "timed out");
  assertLess(performance.now() - before, 120_000);
});

Deno.test("a program that allocates more than 512 MiB gets a MemoryError", async () => {
  const program = `
x = bytearray(2 ** 27)
del x
try: x = [bytearray(2 ** 26) for _ in range(9)]
except MemoryError: pass
else: raise SystemError`;
  assertEquals(await runPython(program, { seconds: 60 }), "passed");
});

Deno.test("a program sees no files, network, environment, processes or JavaScript of this machine", async () => {
  const file = await Deno.makeTempFile();
  await Deno.writeTextFile(file, "secret");
  using server = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const tries = [
    `open(${JSON.stringify(file)}).read()`,
    `open("/etc/passwd")`,
    `import socket; socket.create_connection(("127.0.0.1", ${(server.addr as Deno.NetAddr).port}), 2)`,
    `import urllib.request; urllib.request.urlopen("http://127.0.0.1:${(server.addr as Deno.NetAddr).port}")`,
    `import subprocess; subprocess.run(["true"])`,
    `import os; os.environ["PATH"] and os.environ["DENO_DIR"]`,
    `import js; js.Deno`,
    `import js; js.eval`,
    `from pyodide.code import run_js; run_js("Deno")`,
    `import pyodide_js; pyodide_js.runPython`,
  ];
  // Python says which of them did anything by an error, and passes where none did.
  const program = `
worked = []
for text in ${JSON.stringify(tries)}:
    try: exec(text, {})
    except BaseException: continue
    worked.append(text)
assert worked == [], worked`;
  assertEquals(await runPython(program, { seconds: 60 }), "passed");
  // A command ends Python itself.
  assertEquals(await runPython(`import os; assert os.system("true") == 0`, { seconds: 60 }), "failed");
  await Deno.remove(file);
});
