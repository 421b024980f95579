/**
 * `deno task doctor`: versions, devices and caches of this machine, missing parts and how to get them.
 *
 * @module
 */
import { createBackend, GpuLab, winnersFile } from "any4/compute";
import { hubSettings } from "any4/hub";
import { decimal, size, visible } from "any4/show";
import config from "../deno.json" with { type: "json" };
import { command, jsonOption, main, print, printJson } from "./cli.ts";
import { hasKernel, missingOwnPackages, ownPackages } from "./jupyter.ts";

const options = command("doctor", "Show versions, devices and caches, and how to get missing parts.")
  .addOption(jsonOption())
  .parse(Deno.args, { from: "user" })
  .opts<{ json?: true }>();

/** A cache of the library, and its size; 0 bytes if there is none. */
interface Cache {
  readonly path: string;
  readonly files: number;
  readonly bytes: number;
}

/** A missing part, its use, and how to get it. */
interface Missing {
  readonly name: string;
  readonly use: string;
  readonly get: string;
}

/** A path without the user's name. */
function short(path: string): string {
  const home = Deno.env.get("HOME") ?? Deno.env.get("USERPROFILE");
  return home && path.startsWith(home) ? `~${path.slice(home.length)}` : path;
}

/** Counts the files below a path, without following links; none if it does not exist or cannot be read. */
function measure(path: string): Cache {
  const sum = { files: 0, bytes: 0 };
  const visit = (at: string) => {
    try {
      const { isFile, isDirectory, size } = Deno.lstatSync(at);
      if (isFile) {
        sum.files++;
        sum.bytes += size;
      } else if (isDirectory) { for (const { name } of Deno.readDirSync(at)) visit(`${at}/${name}`); }
    } catch {
      // A file that disappears meanwhile, or another user's, is not counted.
    }
  };
  visit(path);
  return { path: short(path), ...sum };
}

/** The GPU's features as tested with kernels, or the reason why there is no GPU. */
async function gpu() {
  try {
    using lab = await GpuLab.open();
    const { description, software, features, subgroupSize } = lab;
    return { description, software, features: [...features], subgroupSize };
  } catch (error) {
    return { error: (error as Error).message };
  }
}

/** The CPU's backend and its memory bandwidth. */
async function cpu() {
  try {
    using backend = await createBackend("wasm");
    return { description: backend.description, bytesPerSecond: await backend.bandwidth?.() };
  } catch (error) {
    return { error: (error as Error).message };
  }
}

/** Total and available memory in bytes; undefined if the system does not report it. */
function memory() {
  try {
    const { total, available } = Deno.systemMemoryInfo();
    return { total, available };
  } catch {
    return undefined;
  }
}

type Found = Awaited<ReturnType<typeof examine>>;

async function examine() {
  const { cache, token, endpoint, offline } = hubSettings();
  const winners = winnersFile();
  return {
    any4: config.version,
    deno: Deno.version,
    system: {
      os: Deno.build.os,
      release: Deno.osRelease(),
      arch: Deno.build.arch,
      cores: navigator.hardwareConcurrency,
    },
    memory: memory(),
    cpu: await cpu(),
    gpu: await gpu(),
    jupyter: { packages: Object.fromEntries(ownPackages()), kernel: hasKernel() },
    hub: { endpoint, token: token !== "", offline },
    caches: {
      hub: measure(cache),
      kernels: winners === undefined ? undefined : measure(winners),
    },
  };
}

function missingOf({ gpu, jupyter }: Found): Missing[] {
  const missing: Missing[] = [];
  const driver = `install the ${Deno.build.os === "linux" ? "Vulkan " : ""}driver of your GPU`;
  if ("error" in gpu) {
    missing.push({
      name: "GPU",
      use: `${gpu.error}. Models run on the CPU; tests of the GPU's kernels are ignored`,
      get: Deno.build.os === "linux"
        ? `${driver}, or one in software for the tests: apt install mesa-vulkan-drivers libvulkan1 on Debian`
        : driver,
    });
  } else if (gpu.software) {
    missing.push({
      name: "real GPU",
      use: "The one that is here is software, which serves tests. Models run on the CPU",
      get: driver,
    });
  }
  const packages = missingOwnPackages();
  if (packages.length > 0 || !jupyter.kernel) {
    const names = [...packages, ...jupyter.kernel ? [] : ["the kernel of this Deno"]];
    missing.push({
      name: names.join(", "),
      use: "Notebooks open in JupyterLab. Only .venv was searched",
      get: "deno task lab",
    });
  }
  return missing;
}

/** The findings as pairs of a name and a text. */
function lines(found: Found): [string, string][] {
  const { deno, system, memory, cpu, gpu, jupyter, hub, caches } = found;
  const kept = ({ path, files, bytes }: Cache) =>
    files === 0 ? `${path}, empty` : `${path}, ${files} file${files === 1 ? "" : "s"}, ${size(bytes)}`;
  const speed = "error" in cpu || cpu.bytesPerSecond === undefined
    ? ""
    : `; ${decimal(cpu.bytesPerSecond / 1e9, 3)} GB/s`;
  const packages = Object.entries(jupyter.packages).map((it) => it.join(" "));
  return [
    ["any4", found.any4],
    ["Deno", `${deno.deno}, V8 ${deno.v8}, TypeScript ${deno.typescript}`],
    ["system", `${system.os} ${system.release}, ${system.arch}, ${system.cores} cores`],
    [
      "memory",
      `${memory ? `${size(memory.total)}, ${size(memory.available)} available` : "unknown"}${speed}`,
    ],
    ["CPU", "error" in cpu ? `does not compute: ${cpu.error}` : `WebAssembly, ${cpu.description}`],
    [
      "GPU",
      "error" in gpu ? "none" : [
        gpu.description + (gpu.software ? " (software)" : ""),
        ...gpu.features.map((name) => name === "subgroups" ? `subgroups of ${gpu.subgroupSize}` : name),
      ].join(", "),
    ],
    ["Jupyter", packages.join(", ") || "none"],
    ["its kernel", jupyter.kernel ? "starts this Deno" : "none"],
    ["Hub", `${hub.endpoint}, ${hub.token ? "with" : "without"} a token${hub.offline ? ", offline" : ""}`],
    ["models", kept(caches.hub)],
    ["GPU kernels", caches.kernels ? kept(caches.kernels) : "not remembered"],
  ];
}

await main(async () => {
  const found = await examine();
  const missing = missingOf(found);
  if (options.json) return printJson({ ...found, missing }, 2);
  for (const [name, value] of lines(found)) print(visible(`${name.padEnd(12)} ${value}`));
  for (const { name, use, get } of missing) {
    print(visible(`\nMissing: ${name}\n  ${use}.\n  To get it: ${get}.`));
  }
  if (missing.length === 0) print("\nNothing is missing.");
});
