/**
 * The layers with sliding attention.
 *
 * @module
 */
import type { LayerType, ModelConfig } from "../decoder/config.ts";
import { type ConfigReader, MOST_POSITIONS } from "./config_reader.ts";

/**
 * Reads `sliding_window`, and `layer_types` where the config has them.
 *
 * @param options.window the window where the config has none; null for none at all.
 * @param options.slides whether a layer's attention slides, where the config does not say of which does.
 */
export function parseSliding(
  read: ConfigReader,
  options: { layers: number; window: number | null; slides: (layer: number) => boolean },
): Pick<ModelConfig, "sliding_window" | "layer_types"> {
  const { json } = read;
  const given = json.sliding_window === undefined ? options.window : json.sliding_window;
  if (given === null) return { sliding_window: null, layer_types: [] };
  const sliding_window = read.whole("sliding_window", {
    fallback: options.window ?? undefined,
    most: MOST_POSITIONS,
  });
  const types = json.layer_types ??
    Array.from(
      { length: options.layers },
      (_, i) => options.slides(i) ? "sliding_attention" : "full_attention",
    );
  const known = (type: unknown) => type === "sliding_attention" || type === "full_attention";
  if (!Array.isArray(types) || types.length < options.layers || !types.every(known)) {
    throw read.fail(
      "layer_types",
      `"full_attention" or "sliding_attention" for each of ${options.layers} layers`,
    );
  }
  return { sliding_window, layer_types: types as LayerType[] };
}
