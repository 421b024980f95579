/**
 * What config.json says of how a checkpoint was quantized.
 *
 * @module
 */
import { isObject } from "../../files/json_file.ts";
import { show } from "../architectures/config_reader.ts";

/** This library's own. */
export const OWN_METHOD = "any4-deno";

/** Methods whose weights are codes with scales beside them, and what else of them would change the weights. */
const SCALED_METHODS: ReadonlyMap<string, readonly string[]> = new Map([
  ["fp8", []],
  ["fbgemm_fp8", []],
  ["modelopt", []],
  ["bitsandbytes", ["load_in_4bit"]],
  ["compressed-tensors", ["transform_config"]],
]);

/**
 * What is wrong with how a checkpoint was quantized: where it is a way that is not understood, its tensors would be taken for
 * weights. Undefined where all is well.
 */
export function quantizationFault(quantization: unknown): string | undefined {
  if (quantization == null) return undefined;
  const fault = (key: string, expected: string, value: unknown) =>
    `quantization_config${key} must be ${expected}, current value is ${show(value)}`;
  if (!isObject(quantization)) return fault("", "an object", quantization);
  const { quant_method: method, tensors } = quantization;
  if (method === OWN_METHOD) return isObject(tensors) ? undefined : fault(".tensors", "an object", tensors);
  const changes = typeof method === "string" ? SCALED_METHODS.get(method) : undefined;
  if (!changes) {
    return fault(".quant_method", `one of ${[OWN_METHOD, ...SCALED_METHODS.keys()].join(", ")}`, method);
  }
  const isEmpty = (value: unknown) =>
    value == null || value === false || (isObject(value) && Object.keys(value).length === 0);
  const changing = changes.find((key) => !isEmpty(quantization[key]));
  return changing && fault(`.${changing}`, "absent, which alone is supported", quantization[changing]);
}
