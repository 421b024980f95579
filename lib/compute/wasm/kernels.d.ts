/** The library's kernels, compiled: with relaxed SIMD where the engine has it, else without. */
declare const build: WebAssembly.Module;
export default build;
/** Whether they use relaxed SIMD. */
export declare const relaxedSimd: boolean;
