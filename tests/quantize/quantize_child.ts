/**
 * A process to be killed: says when it is ready, quantizes one folder into another, and says what came of it.
 *
 * @module
 */
import { quantizeOnDisk } from "any4";

const [model, folder, options] = Deno.args;
console.log("ready");
const summary = await quantizeOnDisk(model!, folder!, {
  backend: "wasm",
  threads: 1,
  ...JSON.parse(options!),
});
console.log(JSON.stringify({ found: summary.found, linears: summary.linears.length }));
