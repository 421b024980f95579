/**
 * A Slurm cluster of some nodes on this machine, as root, without systemd: one controller, and one slurmd a node. It needs
 * slurm-wlm and munge (apt install slurm-wlm munge) and leaves the machine's own configuration alone.
 *
 *     deno run --allow-all tests/cluster/start_slurm.ts
 *
 * prints the SLURM_CONF to export, and ends the cluster on Ctrl-C.
 *
 * @module
 */

const PROGRAMS = ["munged", "slurmctld", "slurmd", "sbatch", "squeue", "scontrol", "scancel"];

/** Why no cluster can be started here; undefined where one can. */
export function whyNot(): string | undefined {
  if (Deno.build.os !== "linux") return "Slurm runs on Linux";
  if (Deno.uid() !== 0) return "slurmd wants root";
  const missing = PROGRAMS.find((name) => !pathOf(name));
  return missing && `${missing} is not installed: apt install slurm-wlm munge`;
}

/** Where a program is; daemons are not on every PATH. */
function pathOf(name: string): string | undefined {
  const folders = [...(Deno.env.get("PATH") ?? "").split(":"), "/usr/sbin", "/usr/local/sbin"];
  return folders.map((folder) => `${folder}/${name}`).find((path) => {
    try {
      return Deno.statSync(path).isFile;
    } catch {
      return false;
    }
  });
}

/** A port that is free now. */
function freePort(): number {
  using listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  return listener.addr.port;
}

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** The cluster. Disposing of it ends its processes and removes its folder. */
export class SlurmCluster implements AsyncDisposable {
  /** The environment of clients. */
  readonly env: Record<string, string>;
  readonly #folder: string;
  readonly #daemons = new Map<string, Deno.ChildProcess>();

  private constructor(folder: string) {
    this.#folder = folder;
    this.env = { SLURM_CONF: `${folder}/slurm.conf` };
  }

  /** Starts one with nodes n1, n2 … of a core each, and waits until they are idle. */
  static async start({ nodes = 2 } = {}): Promise<SlurmCluster> {
    const folder = Deno.makeTempDirSync({ prefix: "any4-slurm-" });
    // munged wants others not to write here, and clients to pass.
    Deno.chmodSync(folder, 0o755);
    const cluster = new SlurmCluster(folder);
    try {
      await cluster.#start(nodes);
    } catch (error) {
      await cluster[Symbol.asyncDispose]();
      throw error;
    }
    return cluster;
  }

  async #start(nodes: number): Promise<void> {
    const folder = this.#folder;
    Deno.writeFileSync(`${folder}/munge.key`, crypto.getRandomValues(new Uint8Array(1024)), { mode: 0o600 });
    for (const name of ["state", "spool", "log"]) Deno.mkdirSync(`${folder}/${name}`);
    const host = Deno.hostname();
    const ports = Array.from({ length: nodes }, freePort);
    const lines = [
      "ClusterName=any4",
      `SlurmctldHost=${host}(127.0.0.1)`,
      "SlurmUser=root",
      `AuthInfo=socket=${folder}/munge.socket`,
      `SlurmctldPort=${freePort()}`,
      `SlurmctldPidFile=${folder}/slurmctld.pid`,
      `SlurmdPidFile=${folder}/%n.pid`,
      `StateSaveLocation=${folder}/state`,
      `SlurmdSpoolDir=${folder}/spool/%n`,
      // The machine's own cores and control groups do not matter.
      "SlurmdParameters=config_overrides",
      "ProctrackType=proctrack/linuxproc",
      "TaskPlugin=task/none",
      "SelectType=select/cons_tres",
      "SelectTypeParameters=CR_Core",
      "MpiDefault=none",
      "ReturnToService=2",
      // A node that is gone is noticed soon.
      "SlurmdTimeout=5",
      "SlurmctldTimeout=10",
      "KillWait=2",
      "SchedulerParameters=batch_sched_delay=0,sched_interval=2,requeue_delay=1",
      ...ports.map((port, i) =>
        `NodeName=n${i + 1} NodeHostname=${host} NodeAddr=127.0.0.1 Port=${port} CPUs=1 State=UNKNOWN`
      ),
      `PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP`,
    ];
    Deno.writeTextFileSync(`${folder}/slurm.conf`, lines.join("\n") + "\n");
    this.#spawn("munged", [
      ...["--foreground", "--force", `--key-file=${folder}/munge.key`, `--socket=${folder}/munge.socket`],
      ...[`--pid-file=${folder}/munged.pid`, `--log-file=${folder}/log/munged`],
      `--seed-file=${folder}/munged.seed`,
    ]);
    await this.#until("munged's socket", () => Deno.statSync(`${folder}/munge.socket`) !== undefined);
    await this.startController();
    for (const i of ports.keys()) this.startNode(`n${i + 1}`);
    await this.#until("idle nodes", async () => await this.idle() === nodes);
  }

  /** Starts the controller; after `end("slurmctld")`, it finds its jobs again. */
  async startController(): Promise<void> {
    this.#spawn("slurmctld", ["-D", "-f", this.env.SLURM_CONF!, "-L", `${this.#folder}/log/slurmctld`]);
    await this.#until("a controller", async () => (await this.client("scontrol", "ping")).includes("UP"));
  }

  /** Starts a node, "n1". */
  startNode(name: string): void {
    this.#spawn("slurmd", [
      ...["-D", "-N", name, "-f", this.env.SLURM_CONF!],
      ...["-L", `${this.#folder}/log/${name}`],
    ], name);
  }

  #spawn(program: string, args: string[], name = program): void {
    const command = new Deno.Command(pathOf(program)!, {
      args,
      env: this.env,
      stdin: "null",
      stdout: "null",
      stderr: "null",
    });
    this.#daemons.set(name, command.spawn());
  }

  /** Ends a daemon by its process id: "slurmctld", "n1". */
  async end(name: string, signal: Deno.Signal = "SIGKILL"): Promise<void> {
    const daemon = this.#daemons.get(name);
    this.#daemons.delete(name);
    try {
      daemon?.kill(signal);
    } catch {
      // It has ended.
    }
    await daemon?.status;
  }

  /** What a client of Slurm prints, or its error. */
  async client(program: string, ...args: string[]): Promise<string> {
    const command = new Deno.Command(program, { args, env: this.env, stdin: "null" });
    const { stdout, stderr } = await command.output();
    return new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  }

  /** How many nodes are idle. */
  async idle(): Promise<number> {
    return (await this.client("sinfo", "--noheader", "--Node", "--format=%T")).split("\n")
      .filter((state) => state === "idle").length;
  }

  async #until(what: string, there: () => boolean | Promise<boolean>): Promise<void> {
    for (let tries = 0; tries < 300; tries++) {
      try {
        if (await there()) return;
      } catch {
        // Not yet.
      }
      await pause(100);
    }
    const logs = [...Deno.readDirSync(`${this.#folder}/log`)].map(({ name }) =>
      `${name}: ${Deno.readTextFileSync(`${this.#folder}/log/${name}`).slice(-800)}`
    );
    throw new Error(`No ${what} after 30 seconds:\n${logs.join("\n")}`);
  }

  /** Ends everything. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#daemons.has("slurmctld")) {
      await this.client("scancel", "--user=root");
      for (let tries = 0; tries < 50 && (await this.client("squeue", "--noheader")).trim() !== ""; tries++) {
        await pause(100);
      }
    }
    for (const name of [...this.#daemons.keys()].reverse()) await this.end(name, "SIGTERM");
    Deno.removeSync(this.#folder, { recursive: true });
  }
}

if (import.meta.main) {
  const reason = whyNot();
  if (reason) {
    console.error(`Cannot start a cluster: ${reason}`);
    Deno.exit(1);
  }
  await using cluster = await SlurmCluster.start();
  console.log(`export SLURM_CONF=${cluster.env.SLURM_CONF}`);
  await new Promise<void>((resolve) => Deno.addSignalListener("SIGINT", resolve));
}
