/**
 * `deno task serve` as a program: bad clients, and its end.
 *
 * @module
 */
import { dirname } from "node:path";
import { assert, assertEquals, assertLess, assertRejects, assertStringIncludes } from "@std/assert";

const root = `${import.meta.dirname}/../..`;
const { tasks } = JSON.parse(Deno.readTextFileSync(`${root}/deno.json`));
const decoder = new TextDecoder();

interface Running extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly child: Deno.ChildProcess;
  /** All that it has written so far. */
  readonly output: () => string;
}

/** Starts the task with the permissions that it has. */
async function start(...args: string[]): Promise<Running> {
  const path = `${dirname(Deno.execPath())}:${Deno.env.get("PATH")}`;
  const child = new Deno.Command("sh", {
    // In place of the shell, which would not pass signals on.
    args: ["-c", `exec ${tasks.serve.command} "$@"`, "sh", "--port", "0", ...args],
    cwd: root,
    env: { PATH: path },
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  let text = "";
  const started = Promise.withResolvers<string>();
  const reading = (async () => {
    for await (const bytes of child.stdout) {
      text += decoder.decode(bytes);
      const [, url] = / at (http:\S+)\n/.exec(text) ?? [];
      if (url) started.resolve(url);
    }
    started.reject(new Error(`It ended: ${text}`));
  })();
  const url = await started.promise;
  return {
    url,
    port: Number(new URL(url).port),
    child,
    output: () => text,
    async [Symbol.asyncDispose]() {
      try {
        child.kill("SIGKILL");
      } catch {
        // It has ended.
      }
      await child.status;
      await reading;
    },
  };
}

const asked = { prompt: "Once upon a time", temperature: 0, logit_bias: { "1": -100 } };
const post = (url: string, body: unknown, init: RequestInit = {}) =>
  fetch(`${url}/v1/completions`, { method: "POST", body: JSON.stringify(body), ...init });

/** Waits until no sequence is under way. */
async function idle(url: string): Promise<void> {
  for (let tries = 0;; tries++) {
    const metrics = await (await fetch(`${url}/metrics`)).text();
    if (/_running\{[^}]*\} 0\n/.test(metrics) && /_waiting\{[^}]*\} 0\n/.test(metrics)) return;
    assertLess(tries, 100, metrics);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

Deno.test("the task serves several formats beside the original, and refuses a format that there is none of", async () => {
  await using running = await start("--format", "int4,int8", "--original", "--context", "64");
  const { data } = await (await fetch(`${running.url}/v1/models`)).json();
  assertEquals(data.map(({ id }: { id: string }) => id), ["tinyworld:int4", "tinyworld:int8", "tinyworld"]);
  assertEquals(data[0].max_model_len, 64);
  const texts = await Promise.all(data.map(async ({ id: model }: { id: string }) => {
    const body = await (await post(running.url, { ...asked, model, max_tokens: 20 })).json();
    return [body.model, body.usage.completion_tokens];
  }));
  assertEquals(texts, data.map(({ id }: { id: string }) => [id, 20]));
  const wrong = await new Deno.Command(Deno.execPath(), {
    args: ["task", "serve", "--format", "int5"],
    cwd: root,
  }).output();
  assertEquals(wrong.code, 2);
  assertStringIncludes(decoder.decode(wrong.stderr), "Cannot serve the format int5");
});

Deno.test("clients that vanish, read slowly, or send too much or nonsense keep nobody else from an answer", async (t) => {
  await using running = await start("--parallel", "2", "--queue", "8");
  const { url, port } = running;
  const expected = (await (await post(url, { ...asked, max_tokens: 20 })).json()).choices;
  const works = async () => {
    assertEquals((await (await post(url, { ...asked, max_tokens: 20 })).json()).choices, expected);
  };

  await t.step("vanish while they are answered, whole or in a stream", async () => {
    for (const stream of [false, true]) {
      for (let i = 0; i < 6; i++) {
        const controller = new AbortController();
        const answer = post(url, { ...asked, max_tokens: 490, stream }, { signal: controller.signal });
        await new Promise((resolve) => setTimeout(resolve, 30));
        controller.abort();
        await assertRejects(async () => await (await answer).text());
      }
    }
    await idle(url);
    await works();
  });

  await t.step("do not read", async () => {
    const connections: Deno.TcpConn[] = [];
    for (let i = 0; i < 4; i++) {
      const connection = await Deno.connect({ port, hostname: "127.0.0.1" });
      const body = JSON.stringify({ ...asked, max_tokens: 490, stream: true, logprobs: 20 });
      const head = `POST /v1/completions HTTP/1.1\r\nhost: x\r\ncontent-length: ${body.length}\r\n\r\n`;
      await connection.write(new TextEncoder().encode(head + body));
      connections.push(connection);
    }
    // Their places are free although nobody reads what they are sent.
    await idle(url);
    await works();
    for (const connection of connections) connection.close();
  });

  await t.step("send 100 MB, with or without saying so", async () => {
    const large = "x".repeat(100 << 20);
    const sent = async (body: BodyInit) => {
      try {
        const response = await fetch(`${url}/v1/completions`, { method: "POST", body });
        await response.body?.cancel();
        return response.status;
      } catch {
        // The connection was closed while it was still sending.
        return 413;
      }
    };
    assertEquals(await sent(large), 413);
    const endless = new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(1 << 20)) });
    assertEquals(await sent(endless), 413);
    await works();
  });

  await t.step("send nonsense", async () => {
    for (
      const body of [
        "{",
        '{"prompt": ',
        "\u0000\u0001",
        "[]",
        "null",
        '{"prompt": {"a": 1}}',
        `${"[".repeat(1e5)}`,
      ]
    ) {
      const response = await fetch(`${url}/v1/completions`, { method: "POST", body });
      assertEquals([response.status, typeof (await response.json()).error.message], [400, "string"]);
    }
    const connection = await Deno.connect({ port, hostname: "127.0.0.1" });
    await connection.write(new TextEncoder().encode("\u0016\u0003\u0001 no HTTP at all\r\n\r\n"));
    connection.close();
    await works();
  });
});

Deno.test("SIGTERM lets running requests finish, refuses others, and ends the program", async () => {
  await using running = await start();
  const { url, child } = running;
  const whole = post(url, { ...asked, max_tokens: 400 });
  const stream = await post(url, { ...asked, max_tokens: 400, stream: true });
  child.kill("SIGTERM");
  // A busy machine brings the signal late.
  for (let i = 0; i < 500 && !running.output().includes("Ending"); i++) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  let refused: boolean;
  try {
    const response = await post(url, { ...asked, max_tokens: 1 });
    await response.body?.cancel();
    refused = response.status === 503;
  } catch {
    refused = true;
  }
  assert(refused);
  assertEquals((await (await whole).json()).usage.completion_tokens, 400);
  assertStringIncludes(await stream.text(), "data: [DONE]");
  assertEquals((await child.status).code, 0);
  assertStringIncludes(running.output(), "Ending");
});
