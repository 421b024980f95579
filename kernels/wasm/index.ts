/**
 * Every kernel. A kernel is a pure function of addresses and numbers: it computes the part [from, to) of its output, and
 * neither allocates nor keeps anything, so that many threads may run it on one memory.
 */
export { activate } from "./activate";
export {
  add,
  columns,
  embed,
  layerNorm,
  rmsNorm,
  rope,
  scale,
  scatterAdd,
  softcap,
} from "./activations";
export { addSegments, attend, storeKeys, storeValues } from "./attention";
export { factorizeBlock, subtractBlock } from "./cholesky";
export { packCodes, unpackCodes } from "./codes";
export { dequantize, embedPacked } from "./dequantize";
export { descendRows, normalRows } from "./descend";
export {
  activateGradient,
  addColumns,
  attentionGradient,
  normGradient,
  softcapGradient,
  vectorGradient,
} from "./gradients";
export { gram } from "./gram";
export { learnTables } from "./learn";
export { roundRows } from "./learn_round";
export { roundRowsByHessian } from "./round_by_hessian";
export { multiplyAdd, readBlocks } from "./limits";
export { logSums } from "./log_sums";
export { matmul, packColumns } from "./matmul";
export { matmulInt8 } from "./matmul_rounded";
export { matvec, prepare } from "./matvec";
export {
  matvec2Int16,
  matvec2Int8,
  matvec3Int16,
  matvec3Int8,
  matvec4Int16,
  matvec4Int8,
  matvec8Int16,
} from "./matvec_rounded";
export { packFours, prepareInt16, prepareInt8 } from "./prepare_rounded";
export { addOutliers, embedOutliers } from "./outliers";
export { packPanels } from "./panels";
export { packTurned, product } from "./product";
export { squaredErrors } from "./squared_errors";
export { columnSums } from "./statistics";
