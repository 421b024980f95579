/**
 * The steps of quantization on all threads.
 *
 * @module
 */
import type { FactoredHessian } from "../../learn/hessian.ts";
import {
  type LearnOptions,
  plainSteps,
  type QuantizeSteps,
  type ScaledMatrix,
  TableLearner,
  type Tables,
} from "../../learn/quantize_steps.ts";
import { type DescentOptions, scaleSteps } from "../../learn/row_descent.ts";
import type { Solution } from "../../learn/tables.ts";
import { codebookRounding } from "../../matrix/codebook_type.ts";
import { isShared, rowCodebooks } from "../../matrix/codebooks.ts";
import { groupsPerRow } from "../../matrix/packed_matrix.ts";
import { roundTo } from "../../matrix/rounding.ts";
import { wordsPerRow } from "../../matrix/packing.ts";
import type { Pool } from "./pool.ts";
import { takeShared } from "./shared.ts";
import { Slab } from "./slab.ts";
import { WasmSquaredErrors } from "./squared_errors.ts";

/** Weights that are worked on at a time: memory that has grown does not shrink again. */
const SLAB_WEIGHTS = 1 << 22;

/** Weights that are worth another thread: those learned from, and those rounded. */
const LEARNED_WEIGHTS = 1 << 12;
const ROUNDED_WEIGHTS = 1 << 16;

/** Rows that a thread takes at a time where each weight meets all others of its row. */
const HESSIAN_ROWS = 8;

/** Rows that are factored at a time, and rows that a thread then takes them out of. */
const FACTORED_ROWS = 64;
const SUBTRACTED_ROWS = 16;

/** Learns and rounds with kernels. */
export class WasmSteps implements QuantizeSteps {
  readonly #pool: Pool;

  /** @param pool the threads, which the caller disposes of. */
  constructor(pool: Pool) {
    this.#pool = pool;
  }

  /** The kernel learns codebooks of rows; the plain learner does the rows that it leaves, and codebooks that rows share. */
  learn(scaled: ScaledMatrix, options: LearnOptions): Float32Array {
    const { rows, cols } = scaled.matrix;
    if (options.tables < rows || options.codebookRows) return plainSteps.learn(scaled, options);
    const k = 2 ** options.bits;
    const codebook = new Float32Array(rows * k);
    const inBytes = options.type === "uint8" || options.type === "int8";
    const rounding = codebookRounding(options.type, options.bits);
    const columnWeights = new Float64Array(cols).map((_, c) => options.columnWeights?.[c] ?? 1);
    for (const { from, to, ...slab } of slabs(scaled)) {
      using room = new Slab(this.#pool, {
        ...slab,
        columnWeights,
        groupWeights: new Float64Array(slab.scales).map((scale) => scale ** options.scalePower),
        tables: 4 * (to - from) * k,
      });
      const { tables, data, scales, zeros, columnWeights: columns, groupWeights: groups } = room.at;
      const shape = [cols, scaled.groupSize, k, options.type === "f16" ? 1 : 0];
      const args = [tables!, data!, scales!, zeros ?? 0, columns!, groups!, ...shape];
      room.run("learnTables", args, { rows: to - from, cols, grain: LEARNED_WEIGHTS });
      // The kernel rounds to halves; singles are its own, and bytes are rounded from them.
      const learned = new Float32Array(room.arena.memory.buffer, tables, (to - from) * k);
      codebook.set(
        inBytes ? learned.map((value) => Number.isNaN(value) ? value : roundTo(rounding, value)) : learned,
        from * k,
      );
    }
    let learner: TableLearner | undefined;
    for (let r = 0; r < rows; r++) {
      if (Number.isNaN(codebook[r * k])) (learner ??= new TableLearner(scaled, options)).learn(r, codebook);
    }
    return codebook;
  }

  round(scaled: ScaledMatrix, tables: Tables): Uint32Array {
    const { rows, cols } = scaled.matrix;
    const perRow = wordsPerRow(cols, tables.bits);
    const { buffer, byteOffset } = takeShared(this.#pool, 4 * rows * perRow);
    const codes = new Uint32Array(buffer, byteOffset, rows * perRow);
    for (const { from, to, stride, ...slab } of tableSlabs(scaled, tables)) {
      using room = new Slab(this.#pool, { ...slab, words: 4 * (to - from) * perRow });
      const { words, data, scales, zeros, tables: table } = room.at;
      const args = [words!, data!, scales!, zeros ?? 0, table!, stride, tables.bits, cols, scaled.groupSize];
      room.run("roundRows", args, { rows: to - from, cols, grain: ROUNDED_WEIGHTS });
      codes.set(new Uint32Array(room.arena.memory.buffer, words, (to - from) * perRow), from * perRow);
    }
    return codes;
  }

  factorize(a: Float64Array, n: number): boolean {
    using room = new Slab(this.#pool, { a, positive: Uint32Array.of(1) });
    const { arena, at } = room;
    const { buffer } = arena.memory;
    const positive = new Uint32Array(buffer, at.positive, 1);
    for (let bottom = n; bottom > 0 && positive[0] === 1; bottom -= FACTORED_ROWS) {
      const top = Math.max(0, bottom - FACTORED_ROWS);
      this.#pool.run(arena, "factorizeBlock", [at.a!, n, top, bottom, at.positive!], 1);
      if (top > 0) this.#pool.run(arena, "subtractBlock", [at.a!, n, top, bottom], top, SUBTRACTED_ROWS);
    }
    a.set(new Float64Array(buffer, at.a, a.length));
    return positive[0] === 1;
  }

  roundByHessian(
    scaled: ScaledMatrix,
    tables: Tables,
    { order, lower }: FactoredHessian,
  ): Uint32Array {
    const { rows, cols } = scaled.matrix;
    const perRow = wordsPerRow(cols, tables.bits);
    const codes = new Uint32Array(rows * perRow);
    for (const { from, to, stride, ...slab } of tableSlabs(scaled, tables)) {
      using room = new Slab(this.#pool, { ...slab, order, lower, words: 4 * (to - from) * perRow });
      const { words, data, scales, zeros, tables: table, order: columns, lower: factor } = room.at;
      const places = [words!, data!, scales!, zeros ?? 0, table!, stride, columns!, factor!];
      const work = { rows: to - from, cols, grain: HESSIAN_ROWS * cols };
      room.run("roundRowsByHessian", [...places, tables.bits, cols, scaled.groupSize], work);
      codes.set(new Uint32Array(room.arena.memory.buffer, words, (to - from) * perRow), from * perRow);
    }
    return codes;
  }

  descend(scaled: ScaledMatrix, start: Tables & Solution, options: DescentOptions): Solution {
    const { rows, cols } = scaled.matrix;
    const { bits } = start;
    const { hessian, refits, type, rounds, sweeps } = options;
    const perRow = wordsPerRow(cols, bits);
    const groups = groupsPerRow({ cols, groupSize: scaled.groupSize });
    const [codebook, codes] = [rowCodebooks({ rows, ...start }).slice(), new Uint32Array(rows * perRow)];
    const [scales, zeros] = [scaled.scales.slice(), scaled.zeros && scaled.zeros.slice()];
    const steps = scaleSteps(scaled, options.scaleType);
    const { step, least, largest, half } = codebookRounding(type, bits);
    const k = 2 ** bits;
    for (
      const { from, to, stride, ...slab } of tableSlabs({ ...scaled, scales, zeros }, { bits, codebook })
    ) {
      const words = start.codes.subarray(from * perRow, to * perRow);
      const own = (all: Float64Array) => all.subarray(from * groups, to * groups);
      using room = new Slab(this.#pool, {
        ...slab,
        hessian,
        words,
        ...(steps && { scaleSteps: own(steps.scales), zeroSteps: own(steps.zeros) }),
      });
      const { at, arena } = room;
      const places = [at.words!, at.data!, at.scales!, at.zeros ?? 0, at.tables!, stride, at.hessian!];
      const rounding = [step, least, largest, Number(half)];
      const rescaling = [at.scaleSteps ?? 0, at.zeroSteps ?? 0, Number(steps?.half ?? false)];
      const how = [...rounding, ...rescaling, Number(refits), rounds, sweeps];
      room.run("descendRows", [...places, bits, cols, scaled.groupSize, ...how], {
        rows: to - from,
        cols,
        grain: HESSIAN_ROWS * cols,
        more: refits ? 8 * k * (cols + 2 * k) : 0,
      });
      const { buffer } = arena.memory;
      codes.set(new Uint32Array(buffer, at.words, words.length), from * perRow);
      for (
        const [name, into] of Object.entries({ tables: slab.tables, scales: slab.scales, zeros: slab.zeros })
      ) {
        into?.set(new Float32Array(buffer, at[name], into.length));
      }
    }
    return { codebook: refits ? codebook : start.codebook, codes, scales, zeros };
  }

  normals(scaled: ScaledMatrix, at: Tables & Solution, hessian: Float32Array): Float64Array {
    const { rows, cols } = scaled.matrix;
    const { bits } = at;
    const perRow = wordsPerRow(cols, bits);
    const k = 2 ** bits;
    const size = k * (k + 1);
    const all = new Float64Array(rows * size);
    for (const { from, to, stride, ...slab } of tableSlabs(scaled, at)) {
      const words = at.codes.subarray(from * perRow, to * perRow);
      using room = new Slab(this.#pool, { ...slab, hessian, words, normals: 8 * (to - from) * size });
      const { at: place, arena } = room;
      const { normals, data, scales, zeros, tables } = place;
      const places = [normals!, place.words!, data!, scales!, zeros ?? 0, tables!];
      room.run("normalRows", [...places, stride, place.hessian!, bits, cols, scaled.groupSize], {
        rows: to - from,
        cols,
        grain: HESSIAN_ROWS * cols,
        more: 8 * k * (cols + 2 * k),
      });
      all.set(new Float64Array(arena.memory.buffer, place.normals, (to - from) * size), from * size);
    }
    return all;
  }

  squaredErrors(hessian: Float32Array, groupSize: number): WasmSquaredErrors {
    return new WasmSquaredErrors(this.#pool, hessian, groupSize);
  }
}

/** A matrix as runs of rows [from, to). */
function* slabs({ matrix: { rows, cols, data }, groupSize, scales, zeros }: ScaledMatrix) {
  const groups = Math.ceil(cols / groupSize);
  const step = Math.max(1, Math.floor(SLAB_WEIGHTS / cols));
  for (let from = 0; from < rows; from += step) {
    const to = Math.min(from + step, rows);
    yield {
      from,
      to,
      data: data.subarray(from * cols, to * cols),
      scales: scales.subarray(from * groups, to * groups),
      ...(zeros && { zeros: zeros.subarray(from * groups, to * groups) }),
    };
  }
}

/** The same with the codebooks of each run's rows, `stride` bytes apart: 0 where one is all rows'. */
function* tableSlabs(scaled: ScaledMatrix, { bits, ...rest }: Tables) {
  const codebook = rowCodebooks({ bits, rows: scaled.matrix.rows, ...rest });
  const stride = isShared({ bits, codebook }) ? 0 : 4 << bits;
  for (const slab of slabs(scaled)) {
    const tables = stride === 0 ? codebook : codebook.subarray(slab.from << bits, slab.to << bits);
    yield { ...slab, tables, stride };
  }
}
