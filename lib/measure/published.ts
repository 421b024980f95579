/**
 * Perplexities that any4's paper has published (arXiv 2507.04610, groups of 128), to hold one's own beside.
 *
 * @module
 */

const DATA = ["wikitext-2", "c4", "ptb", "codeparrot"];
const FORMATS = ["original", "int4", "fp4", "nf4", "any4"];

/** For each model, a line for each format: WikiText-2 / C4 / PTB / CodeParrot. */
const TABLE: Readonly<Record<string, string>> = {
  "Llama-3.2-1B":
    "9.76/12.77/16.56/3.49 11.89/15.74/20.32/4.08 13.01/17.11/21.89/4.28 10.99/14.63/18.78/3.82 10.63/13.95/17.94/3.71",
  "Meta-Llama-3-8B":
    "6.14/8.93/10.59/2.54 6.87/9.89/11.37/2.83 7.10/10.22/11.81/2.89 6.63/9.52/11.14/2.72 6.51/9.40/11.07/2.68",
  "Meta-Llama-3-70B":
    "2.86/6.77/8.16/1.91 3.63/7.97/8.86/2.21 3.94/7.76/8.99/2.17 3.43/7.67/8.84/2.15 3.20/7.01/8.33/1.99",
  "Llama-2-7b":
    "5.47/6.97/20.83/2.54 5.74/7.30/24.00/2.63 5.83/7.37/22.57/2.65 5.66/7.19/22.82/2.60 5.59/7.10/21.23/2.57",
  "Llama-2-13b":
    "4.88/6.47/28.93/2.40 5.05/6.65/30.79/2.45 5.07/6.67/30.96/2.46 4.99/6.58/31.17/2.43 4.97/6.55/28.83/2.42",
  "Mistral-7B-Instruct-v0.2":
    "5.95/8.82/21.77/2.63 6.14/9.03/22.02/2.70 6.19/9.10/21.62/2.70 6.06/8.93/24.72/2.66 6.00/8.85/23.24/2.64",
  "Mixtral-8x7B-Instruct-v0.1":
    "4.14/7.18/16.47/2.20 4.35/7.45/16.84/2.26 4.46/7.48/18.42/2.27 4.30/7.32/15.00/2.24 4.27/7.27/16.14/2.22",
};

/**
 * A published perplexity; undefined if there is none.
 *
 * @param model the last part of the model's name on the Hub; the names of Llama 2's may end in "-hf".
 * @param of the format, null for the unquantized model, and the text.
 *
 * @example
 * ```ts
 * import { publishedPerplexity } from "any4/measure";
 * import { assertEquals } from "@std/assert";
 * assertEquals(publishedPerplexity("Llama-3.2-1B", { format: "any4", data: "c4" }), 13.95);
 * ```
 */
export function publishedPerplexity(
  model: string,
  of: { format: string | null; data: string },
): number | undefined {
  const line = TABLE[model.replace(/-hf$/, "")]?.split(" ")[FORMATS.indexOf(of.format ?? "original")];
  const value = line?.split("/")[DATA.indexOf(of.data)];
  return value === undefined ? undefined : Number(value);
}
