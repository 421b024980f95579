// @ts-self-types="./kernels.d.ts"
// Plain JavaScript, since TypeScript does not know source imports yet: they load the files from wherever this one is.

let relaxedSimd = true;
const build = await import.source("../../../kernels/wasm/any4_relaxed.wasm").catch(() => {
  relaxedSimd = false;
  return import.source("../../../kernels/wasm/any4_simd.wasm");
});

export default build;
export { relaxedSimd };
