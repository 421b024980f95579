/**
 * Puts what bench/gpu.ts found on a real GPU into bench/README.md: `bench/gpu.sh table`.
 *
 * @module
 */
import { parseArgs } from "node:util";
import type { Decode, GpuDocument, PeerResult, Race } from "./gpu.ts";
import type { Result } from "./ladder_race.ts";

const HELP = `Shows the document of bench/gpu.sh run as tables.

Usage: bench/gpu.sh table [options] [FILE]

  FILE      the document (out/gpu.json)
  --print   print the tables; otherwise they replace those of bench/README.md, which takes no rehearsals
  --help    this text
`;

/** What the tables stand between. */
const [BEGIN, END] = ["<!-- on a GPU: begin -->", "<!-- on a GPU: end -->"];

type Row = readonly (string | number)[];

/** A table of Markdown; all columns but the first are numbers. */
function table(head: Row, rows: readonly Row[]): string {
  const line = (cells: Row) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map((_, i) => i === 0 ? "---" : "---:")), ...rows.map(line)].join("\n");
}

const digits = (value: number) => value >= 100 ? value.toFixed(0) : value.toPrecision(3);
const share = (part: number, all: number) => `${(100 * part / all).toFixed(0)} %`;

/** The fastest of some kernels; undefined where there is none. */
function fastest(results: readonly Result[], wanted: (name: string) => boolean): Result | undefined {
  return results.filter(({ name }) => wanted(name))
    .reduce<Result | undefined>(
      (best, it) => !best || it.milliseconds < best.milliseconds ? it : best,
      undefined,
    );
}

/** What a rung rounds. */
const kinds: Record<string, (name: string) => boolean> = {
  "f32": (name) => !/f16|int8|^copy|^dense|^a line|masks/.test(name),
  "f32, codes without masks": (name) => name.includes("masks"),
  "products of halves": (name) => /, f16$/.test(name) && !/^a line/.test(name),
  "int8 activations": (name) => name.startsWith("7 "),
  "a line": (name) => name.startsWith("a line"),
};

const copyOf = ({ results }: Race) => results.find(({ name }) => name === "copy")!.gigabytesPerSecond;
const denseOf = ({ results }: Race) => results.find(({ name }) => name === "dense f16")!;

/** Every rung of a race. */
function rungs(race: Race): string {
  const { rows, cols, bits, tokens } = race;
  const dense = denseOf(race).milliseconds;
  return `${rows} × ${cols}, ${bits} bits, ${tokens} token${tokens === 1 ? "" : "s"}:\n\n` + table(
    ["kernel", "µs", "GB/s", "of the copy", "TFLOP/s", "× dense f16"],
    race.results.map(({ name, milliseconds, gigabytesPerSecond, gigaflops }) => [
      name,
      digits(1000 * milliseconds),
      digits(gigabytesPerSecond),
      share(gigabytesPerSecond, copyOf(race)),
      gigaflops === 0 ? "" : digits(gigaflops / 1000),
      gigaflops === 0 ? "" : digits(dense / milliseconds),
    ]),
  );
}

/** The fastest kernel of each kind in all races of some tokens, beside PyTorch's. */
function products(races: readonly Race[], tokens: number, peer: readonly PeerResult[]): string {
  const rows: Row[] = [];
  for (const race of races.filter((race) => race.tokens === tokens)) {
    const size = `${race.rows} × ${race.cols}`;
    const add = (name: string, result: Pick<Result, "milliseconds" | "gigabytesPerSecond"> | undefined) => {
      if (!result) return;
      const { milliseconds, gigabytesPerSecond } = result;
      const flops = 2 * race.rows * race.cols * tokens / milliseconds / 1e9;
      const ratio = denseOf(race).milliseconds / milliseconds;
      rows.push([
        `${size}, ${name}`,
        digits(1000 * milliseconds),
        digits(gigabytesPerSecond),
        share(gigabytesPerSecond, copyOf(race)),
        digits(flops),
        digits(ratio),
      ]);
    };
    for (const [kind, wanted] of Object.entries(kinds)) {
      add(`${race.bits} bits, ${kind}`, fastest(race.results, wanted));
    }
    if (race.bits !== 4) continue;
    add("our f16", denseOf(race));
    const same = peer.filter((it) => it.rows === race.rows && it.cols === race.cols && it.tokens === tokens);
    for (const result of same) add(result.contestant, result);
  }
  if (rows.length === 0) return "";
  const head = ["weight, kernel", "µs", "GB/s", "of the copy", "TFLOP/s", "× our f16"];
  return `${tokens} token${tokens === 1 ? "" : "s"}:\n\n${table(head, rows)}`;
}

function decodes({ decode, dispatch }: GpuDocument): string {
  const rows = decode.map((it: Decode) => {
    const half = decode.find(({ shape, format }) => shape === it.shape && format === "f16");
    const starts = dispatch && it.dispatchesPerToken * dispatch.gpuEach / 1e6 * it.decode;
    const recording = Object.entries(it.callsPerToken).filter(([name]) => name !== "mapAsync")
      .reduce((sum, [, microseconds]) => sum + microseconds, 0) / 1e6 * it.decode;
    return [
      `${it.shape}, ${it.format}`,
      it.bitsPerWeight.toFixed(2),
      digits(it.decode),
      half ? digits(it.decode / half.decode) : "",
      digits(it.prefill),
      it.dispatchesPerToken,
      starts === undefined ? "" : share(starts, 1),
      share(recording, 1),
    ];
  });
  const head = ["shape, format", "bits/w", "decode tok/s", "× f16", "prefill tok/s", "kernels a token"];
  return table([...head, "to start them, of the time", "to record them"], rows);
}

/** All tables. */
export function tables(found: GpuDocument): string {
  const { device, checks, dispatch, ladder, decode, peer, leftOut } = found;
  const results = peer && "results" in peer ? peer.results : [];
  const copy = results.find(({ contestant }) => contestant === "copy");
  const sentences = [
    `${device.description}${device.software ? " (software)" : ""}, ${found.date}; ` +
    `${device.features.join(", ") || "no features"}; a copy reads and writes ${
      digits(device.bandwidth / 1e9)
    } GB/s.`,
    checks &&
    `${checks.passed} tests of kernels against the plain backend pass, ${checks.failed.length} fail` +
      `${checks.finished ? "" : ", and there was no time for all"}${
        checks.failed.map((name) => `; ${name}`).join("")
      }.`,
    dispatch &&
    `A kernel costs the GPU ${digits(dispatch.gpuEach)} µs to start and the CPU ${
        digits(dispatch.recordEach)
      } µs ` +
      `to record; a reading takes ${digits(dispatch.readback / 1000)} ms.`,
    peer && ("name" in peer ? `Beside ${peer.name}` : `Without PyTorch: ${peer.missing}`) +
      (copy ? `, whose copy reaches ${digits(copy.gigabytesPerSecond)} GB/s.` : "."),
    leftOut.length > 0 && `Left out: ${leftOut.join("; ")}.`,
  ];
  return [
    sentences.filter((sentence) => sentence).join("\n"),
    ...[1, 8, 512].map((tokens) => products(ladder, tokens, results)),
    ladder[0] ? rungs(ladder[0]) : "",
    decode.length > 0 ? decodes(found) : "",
  ].filter((part) => part !== "").join("\n\n");
}

if (import.meta.main) {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      print: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    Deno.exit(0);
  }
  const found = JSON.parse(await Deno.readTextFile(positionals[0] ?? "out/gpu.json")) as GpuDocument;
  if (values.print) {
    console.log(tables(found));
  } else if (found.small || found.device.software) {
    console.error("This is a rehearsal's document, which says nothing of a GPU: --print shows it");
    Deno.exit(1);
  } else {
    const path = new URL("./README.md", import.meta.url);
    const text = await Deno.readTextFile(path);
    const [from, to] = [text.indexOf(BEGIN) + BEGIN.length, text.indexOf(END)];
    await Deno.writeTextFile(path, `${text.slice(0, from)}\n\n${tables(found)}\n\n${text.slice(to)}`);
    console.error("bench/README.md has the tables; deno fmt makes their columns even.");
  }
}
