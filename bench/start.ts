/**
 * How long `deno task start` takes: in all, each phase of it, and the most memory that it had.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { median } from "../lib/measure/median.ts";

const HELP = `Times deno task start, from the start of its process to the end.

Usage: deno run --allow-all bench/start.ts [options] [-- options of start]

  --rounds N  repetitions, of which the median counts (3)
  --help      this text

Peak memory is read from /proc, which Linux has and which Deno opens to --allow-all alone.
`;

const root = new URL("../", import.meta.url);

/** The highest resident memory so far of a process, in bytes; 0 once it has ended or where there is no /proc. */
function peakMemory(pid: number): number {
  try {
    const status = Deno.readTextFileSync(`/proc/${pid}/status`);
    return 1024 * Number(/VmHWM:\s*(\d+) kB/.exec(status)?.[1] ?? 0);
  } catch {
    return 0;
  }
}

/** Runs start as deno.json has it. */
async function start(args: string[]): Promise<Record<string, number>> {
  const { tasks } = JSON.parse(Deno.readTextFileSync(new URL("deno.json", root)));
  const words = (tasks.start.command as string).replaceAll("'", "").split(" ").slice(1);
  const out = await Deno.makeTempFile({ suffix: ".html" });
  const since = performance.now();
  const child = new Deno.Command(Deno.execPath(), {
    args: [...words, "--json", "--out", out, ...args],
    cwd: root,
    stdout: "piped",
  }).spawn();
  let peak = 0;
  const watch = setInterval(() => peak = Math.max(peak, peakMemory(child.pid)), 20);
  const { stdout, success } = await child.output();
  clearInterval(watch);
  const all = (performance.now() - since) / 1000;
  await Deno.remove(out);
  if (!success) throw new Error("start failed");
  const { timings, seconds } = JSON.parse(new TextDecoder().decode(stdout));
  return { "process and imports": all - seconds, ...timings, "in all": all, "peak MB": peak / 1e6 };
}

if (import.meta.main) {
  const { values: options, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      rounds: { type: "string", default: "3" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (options.help) {
    console.log(HELP);
  } else {
    const rounds: Record<string, number>[] = [];
    for (let round = 0; round < Number(options.rounds); round++) rounds.push(await start(positionals));
    console.log(`start ${positionals.join(" ")}: median of ${rounds.length} rounds, seconds`);
    console.table(Object.fromEntries(
      Object.keys(rounds[0]!).map((
        key,
      ) => [key, Number(median(rounds.map((round) => round[key]!)).toPrecision(3))]),
    ));
  }
}
