/**
 * Units as Indexed Jobs of Kubernetes: a manifest to apply, one Job a stage.
 *
 * @module
 */
import type { Job as KubernetesJob } from "kubernetes-types/batch/v1.d.ts";
import { OptionError } from "any4";
import { type Job, scriptOf } from "./engine.ts";

/** A list of Jobs, as kubectl takes it. */
export interface Manifest {
  readonly apiVersion: "v1";
  readonly kind: "List";
  readonly items: KubernetesJob[];
}

/** Options of {@linkcode manifestOf}. */
export interface ManifestOptions {
  /** The beginning of the Jobs' names. */
  readonly name: string;
  /** An image that has bash and Deno. */
  readonly image: string;
  /** A PersistentVolumeClaim, ReadWriteMany, that has the project and all files, under the paths that they have here. */
  readonly claim: string;
  /** Where it is mounted. */
  readonly mount: string;
  /** Units that run at a time. */
  readonly parallelism: number;
  /** Units by stage. */
  readonly stages: readonly { readonly stage: string; readonly count: number }[];
}

/**
 * The manifest of all stages; all but the first are suspended until the one before is complete.
 *
 * @throws {OptionError} when the volume has not all that the job script uses.
 */
export function manifestOf(job: Job, options: ManifestOptions): Manifest {
  const outside = [job.root, job.work].find((path) => !`${path}/`.startsWith(`${options.mount}/`));
  if (outside) {
    throw new OptionError(`Cannot mount a volume at ${options.mount} alone: ${outside} is not below it`);
  }
  const { name, image, claim, mount, parallelism, stages } = options;
  const { cpus, gpus, mem } = job.resources;
  const resources = {
    cpu: String(cpus),
    ...(mem === undefined ? {} : { memory: mem }),
    ...(gpus === undefined ? {} : { "nvidia.com/gpu": gpus }),
  };
  const items = stages.map(({ stage, count }, i): KubernetesJob => ({
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name: `${name}-${stage}`, labels: { "app.kubernetes.io/part-of": name } },
    spec: {
      completionMode: "Indexed",
      completions: count,
      parallelism: Math.min(parallelism, count),
      backoffLimitPerIndex: 2,
      suspend: i > 0,
      template: {
        spec: {
          restartPolicy: "Never",
          containers: [{
            name: "unit",
            image,
            command: ["bash", scriptOf(job), stage],
            env: [{ name: "DENO", value: "deno" }],
            resources: { requests: resources, limits: resources },
            volumeMounts: [{ name: "shared", mountPath: mount }],
          }],
          volumes: [{ name: "shared", persistentVolumeClaim: { claimName: claim } }],
        },
      },
    },
  }));
  return { apiVersion: "v1", kind: "List", items };
}

/** The commands that run a manifest's Jobs one after another. */
export function kubectlLines(path: string, { items }: Manifest): string[] {
  const names = items.map(({ metadata }) => metadata!.name!);
  return [
    `kubectl apply -f ${path}`,
    ...names.flatMap((name, i) => [
      ...(i === 0 ? [] : [`kubectl patch job/${name} --type=merge -p '{"spec":{"suspend":false}}'`]),
      `kubectl wait --for=condition=complete --timeout=-1s job/${name}`,
    ]),
  ];
}
