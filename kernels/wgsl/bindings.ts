/**
 * The beginning of a kernel's text: its bindings, and the reading of activations four at a time.
 *
 * @module
 */

/** WGSL of the numbers that change from call to call. */
const STEP = `struct Step { tokens: u32, position: u32 }`;

/** The type of a kernel's products: singles, or halves that are summed in singles. */
export type Element = "f32" | "f16";

/**
 * WGSL of bindings 0, 1, … of group 0, named and typed as given, in that order. The first `writes` are written; one of
 * type `Step` is the uniform of what changes from call to call.
 */
export function bindings(types: Readonly<Record<string, string>>, { writes = 1 } = {}): string {
  return Object.entries(types).map(([name, type], i) => {
    const space = type === "Step" ? "uniform" : i < writes ? "storage, read_write" : "storage, read";
    return `${type === "Step" ? STEP + "\n" : ""}@group(0) @binding(${i}) var<${space}> ${name}: ${type};`;
  }).join("\n");
}

/** WGSL type of the binding `x`, [tokens, cols] f32: four values a load where rows are whole fours. */
export function activationsType(cols: number): string {
  return cols % 4 === 0 ? "array<vec4f>" : "array<f32>";
}

/**
 * WGSL of `load4(t, c)`: the activations of token t in columns c … c + 3, c a multiple of 4; 0 beyond the last
 * column, so that kernels may run on to a multiple of 32 columns.
 */
export function activations(cols: number): string {
  const head = "fn load4(t: u32, c: u32) -> vec4f {";
  if (cols % 32 === 0) return `${head} return x[t * ${cols / 4}u + c / 4u]; }`;
  if (cols % 4 === 0) {
    return `${head} return select(vec4f(), x[t * ${cols / 4}u + c / 4u], c < ${cols}u); }`;
  }
  const values = [0, 1, 2, 3].map((i) => `select(0.0, x[at + ${i}u], c + ${i}u < ${cols}u)`);
  return `${head} let at = t * ${cols}u + c; return vec4f(${values.join(", ")}); }`;
}

/**
 * WGSL that adds the dot product of two vec4 of the element to an f32. In singles it is four multiply-adds, written
 * so that a compiler can see them: dot() would be added by a fifth instruction. Halves are multiplied in pairs where
 * they can be.
 */
export function addDot(sum: string, [a, b]: readonly [string, string], element: Element = "f32"): string {
  if (element === "f16") return `${sum} += f32(dot(${a}, ${b}));`;
  const product = (axis: string) => `${a}.${axis} * ${b}.${axis}`;
  return `${sum} = ${product("w")} + (${product("z")} + (${product("y")} + (${product("x")} + ${sum})));`;
}
