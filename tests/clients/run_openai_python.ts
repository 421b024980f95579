/**
 * OpenAI's own client for Python against the server.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { serve } from "any4/serve";
import { chatModel } from "../serve/server.ts";
import { findPython } from "./python.ts";

const python = findPython("openai");
const reason = python ? "" : " (ignored: no Python has the package openai)";

Deno.test({
  name: `OpenAI's client for Python talks, streams, stops, and understands errors${reason}`,
  ignore: python === undefined,
  async fn() {
    using model = await chatModel();
    await using server = serve(new Map([["tinyworld", model]]), { port: 0, apiKey: "secret" });
    const { success, stdout, stderr } = await new Deno.Command(python!, {
      args: [`${import.meta.dirname}/openai_client.py`, server.url],
    }).output();
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    assertEquals([text(stdout), text(stderr), success], ["right\n", "", true]);
  },
});
