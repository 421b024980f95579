// @ts-self-types="./kernels.d.ts"
// Plain JavaScript, since TypeScript does not know source imports yet: they load the files from wherever this one is.

const build = await import.source("../../../kernels/wasm/any4_relaxed.wasm")
  .catch(() => import.source("../../../kernels/wasm/any4_simd.wasm"));

export default build;
