/**
 * A GGUF file's tensors under Hugging Face's names, and as Hugging Face's models hold them.
 *
 * @module
 */
import { CheckpointError } from "../../errors.ts";
import { bytesOf } from "../../matrix/dtype.ts";
import type { TensorInfo } from "../../files/safetensors/header.ts";
import { alternatives, quote } from "../../files/safetensors/messages.ts";
import type { TensorFile } from "../../files/tensor_file.ts";

/** Modules outside layers. */
const OUTSIDE: Readonly<Record<string, string>> = {
  token_embd: "model.embed_tokens",
  output_norm: "model.norm",
  output: "lm_head",
};

/** Modules of a layer. */
const INSIDE: Readonly<Record<string, string>> = {
  attn_norm: "input_layernorm",
  attn_q: "self_attn.q_proj",
  attn_k: "self_attn.k_proj",
  attn_v: "self_attn.v_proj",
  attn_output: "self_attn.o_proj",
  attn_q_norm: "self_attn.q_norm",
  attn_k_norm: "self_attn.k_norm",
  ffn_norm: "post_attention_layernorm",
  ffn_gate: "mlp.gate_proj",
  ffn_up: "mlp.up_proj",
  ffn_down: "mlp.down_proj",
};

/**
 * Hugging Face's name of a GGUF tensor of a Llama or one of its neighbours, or undefined.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * assertEquals(hubName("blk.3.ffn_down.weight"), "model.layers.3.mlp.down_proj.weight");
 * ```
 */
export function hubName(name: string): string | undefined {
  const { layer, module, part } =
    /^(?:blk\.(?<layer>\d+)\.)?(?<module>\w+)\.(?<part>weight|bias)$/.exec(name)?.groups ??
      {};
  const names = layer === undefined ? OUTSIDE : INSIDE;
  if (module === undefined || !Object.hasOwn(names, module)) return undefined;
  return `${layer === undefined ? "" : `model.layers.${layer}.`}${names[module]}.${part}`;
}

/** Tensors that only say what the config says too. */
const LEFT_OUT = new Set(["rope_freqs.weight"]);

/** How a file's tensors differ from Hugging Face's. */
export interface WeightsOptions {
  /**
   * Heads of q_proj and k_proj where their rows are in llama.cpp's order: it turns features 2i and 2i + 1 of a head
   * together, Hugging Face features i and i + head_dim / 2. Absent where they are in Hugging Face's.
   */
  interleaved?: { q: number; k: number };
}

/** The tensors of a model, whatever its file calls them. Vectors stay vectors. */
export class GgufWeights implements TensorFile {
  readonly #file: TensorFile;
  readonly #path: string;
  readonly #names = new Map<string, string>();
  readonly #options: WeightsOptions;

  /**
   * @param file the file, which is closed with this.
   * @throws {CheckpointError} when it has a tensor that no Llama has.
   */
  constructor(file: TensorFile & { path: string }, options: WeightsOptions = {}) {
    this.#file = file;
    this.#path = file.path;
    this.#options = options;
    for (const name of file.names()) {
      const known = hubName(name);
      if (known !== undefined) this.#names.set(known, name);
      else if (!LEFT_OUT.has(name)) {
        throw new CheckpointError(
          `Cannot use ${file.path}: tensor ${quote(name)} is none of this architecture's`,
        );
      }
    }
  }

  /** Names of all tensors. */
  names(): Iterable<string> {
    return this.#names.keys();
  }

  /** Whether there is a tensor of that name. */
  has(name: string): boolean {
    return this.#names.has(name);
  }

  /** A tensor's type and shape, as they are read. */
  info(name: string): TensorInfo {
    return { ...this.#file.info(this.#own(name)), name };
  }

  /** A tensor's bytes. */
  read(name: string, out?: Uint8Array): Uint8Array {
    const bytes = this.#file.read(this.#own(name));
    const { dtype } = this.info(name);
    return into(this.#order(name, bytes, bytesOf(dtype)), out);
  }

  /** A tensor as float32. */
  readFloat32(name: string, out?: Float32Array): Float32Array {
    return into(this.#order(name, this.#file.readFloat32(this.#own(name)), 1), out);
  }

  /** Closes the file. */
  [Symbol.dispose](): void {
    this.#file[Symbol.dispose]();
  }

  #own(name: string): string {
    const own = this.#names.get(name);
    if (own !== undefined) return own;
    throw new CheckpointError(
      `Cannot find tensor ${quote(name)} in ${this.#path}: ${alternatives(name, this.names())}`,
    );
  }

  /** A tensor with its rows in Hugging Face's order; `width` is what a value takes in `data`. */
  #order<T extends Uint8Array | Float32Array>(name: string, data: T, width: number): T {
    const module = /self_attn\.([qk])_proj\.(?:weight|bias)$/.exec(name)?.[1] as "q" | "k" | undefined;
    const heads = module && this.#options.interleaved?.[module];
    if (!heads) return data;
    const [rows = 0, cols = 1] = this.info(name).shape;
    const half = rows / heads / 2;
    if (!Number.isInteger(half)) {
      throw new CheckpointError(
        `Cannot use ${this.#path}: ${quote(name)} has ${rows} rows for ${heads} heads`,
      );
    }
    const length = cols * width;
    const out = data.slice() as T;
    for (let row = 0; row < rows; row++) {
      const inHead = row % (2 * half);
      const from = row - inHead + 2 * (inHead % half) + Math.floor(inHead / half);
      out.set(data.subarray(from * length, (from + 1) * length), row * length);
    }
    return out;
  }
}

function into<T extends Uint8Array | Float32Array>(data: T, out?: T): T {
  out?.set(data);
  return out ?? data;
}
