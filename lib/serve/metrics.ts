/**
 * Numbers of a running server, as Prometheus reads them.
 *
 * @module
 */
import type { Usage } from "./answer.ts";
import type { Engine } from "./engine.ts";

/** Bounds of the histogram of seconds. */
const SECONDS = [0.01, 0.05, 0.1, 0.5, 1, 5, 10, 60, 600];

/** A sample's labels and value. */
type Sample = readonly [labels: Readonly<Record<string, string>>, value: number, suffix?: string];

const escaped = (text: string) =>
  text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");

function written(
  name: string,
  { type, help, samples }: { type: string; help: string; samples: Sample[] },
): string {
  const lines = samples.map(([labels, value, suffix = ""]) => {
    const pairs = Object.entries(labels).map(([key, text]) => `${key}="${escaped(text)}"`);
    return `${name}${suffix}${pairs.length > 0 ? `{${pairs}}` : ""} ${value}`;
  });
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...lines].join("\n");
}

/** Counts what a server does. */
export class Metrics {
  /** By endpoint and status. */
  readonly #requests = new Map<string, number>();
  readonly #tokens = { prompt: 0, generated: 0 };
  readonly #seconds = SECONDS.map(() => 0);
  #sum = 0;
  #count = 0;

  /** Counts a request. @param path its endpoint, one of the server's own. */
  request(path: string, { status, seconds }: { status: number; seconds: number }): void {
    const key = `${path} ${status}`;
    this.#requests.set(key, (this.#requests.get(key) ?? 0) + 1);
    for (const [i, bound] of SECONDS.entries()) if (seconds <= bound) this.#seconds[i]!++;
    this.#sum += seconds;
    this.#count++;
  }

  /** Counts tokens. */
  took(usage: Usage): void {
    this.#tokens.prompt += usage.prompt_tokens;
    this.#tokens.generated += usage.completion_tokens;
  }

  /** All numbers as text. */
  text(engines: ReadonlyMap<string, Engine>): string {
    const each = (value: (engine: Engine) => number): Sample[] =>
      Array.from(engines, ([model, engine]) => [{ model }, value(engine)]);
    const requests: Sample[] = Array.from(this.#requests, ([key, count]) => {
      const [path, status] = key.split(" ");
      return [{ path: path!, status: status! }, count];
    });
    const seconds: Sample[] = [
      ...SECONDS.map((bound, i): Sample => [{ le: String(bound) }, this.#seconds[i]!, "_bucket"]),
      [{ le: "+Inf" }, this.#count, "_bucket"],
      [{}, this.#sum, "_sum"],
      [{}, this.#count, "_count"],
    ];
    const counter = (name: string, help: string, samples: Sample[]) =>
      written(name, { type: "counter", help, samples });
    const gauge = (name: string, help: string, samples: Sample[]) =>
      written(name, { type: "gauge", help, samples });
    return [
      counter("any4_requests_total", "Requests by endpoint and status", requests),
      written("any4_response_seconds", {
        type: "histogram",
        help: "Time until an answer begins",
        samples: seconds,
      }),
      counter("any4_prompt_tokens_total", "Tokens of prompts", [[{}, this.#tokens.prompt]]),
      counter("any4_generated_tokens_total", "Tokens added to prompts", [[{}, this.#tokens.generated]]),
      counter(
        "any4_cached_tokens_total",
        "Tokens of prompts that were known",
        each(({ counts }) => counts.cached),
      ),
      counter("any4_steps_total", "Steps that sequences shared", each(({ counts }) => counts.steps)),
      counter("any4_stepped_total", "Sequences in all steps", each(({ counts }) => counts.stepped)),
      gauge("any4_sequences_running", "Sequences under way", each(({ load }) => load.running)),
      gauge("any4_sequences_waiting", "Sequences that wait", each(({ load }) => load.waiting)),
      gauge("any4_memory_bytes", "Memory of the process", [[{}, Deno.memoryUsage().rss]]),
    ].join("\n") + "\n";
  }
}
