/**
 * lm-evaluation-harness against the server: each item's score is what the model itself says.
 *
 * @module
 */
import { assert, assertAlmostEquals, assertEquals, assertGreater } from "@std/assert";
import { loadModel } from "any4";
import { runTask, tasks } from "any4/measure";
import { Tokenizer } from "any4/model";
import { serve } from "any4/serve";
import { continueIds } from "../../lib/model/generate.ts";
import { findPython } from "./python.ts";

const DATA = Deno.env.get("ANY4_DATA");
const python = DATA === undefined ? undefined : findPython("lm_eval, tenacity");
const reason = DATA === undefined
  ? " (ignored: ANY4_DATA is not set)"
  : python
  ? ""
  : " (ignored: no Python has the packages lm_eval and tenacity)";

/** Items of each task. */
const ITEMS = 24;

/**
 * tinyworld without a first token: lm-eval does not count the one that a server adds to texts, and would take the context's last
 * token for one of the continuation.
 */
const plain = await loadModel("tinyworld");
const file = JSON.parse(Deno.readTextFileSync(`${plain.folder}/tokenizer.json`));
const model = plain.with({ tokenizer: new Tokenizer({ ...file, post_processor: null }, {}) });

/** The two tasks, on files. */
function writeTasks(folder: string): void {
  const lines = (name: string) => Deno.readTextFileSync(`${DATA}/eval/${name}`).trim().split("\n");
  const labels = lines("piqa-valid-labels.lst");
  const items = lines("piqa-valid.jsonl").map((line, i) => ({
    ...JSON.parse(line),
    label: Number(labels[i]),
  }));
  const short = items.filter(({ goal, sol1, sol2 }) => (goal + sol1 + sol2).length < 400).slice(0, ITEMS);
  const write = (name: string, items: unknown[]) =>
    Deno.writeTextFileSync(`${folder}/${name}`, items.map((item) => JSON.stringify(item)).join("\n"));
  write("piqa.jsonl", short);
  write("text.jsonl", short.slice(0, 8).map(({ goal }) => ({ goal })));
  const common = (file: string) =>
    `dataset_path: json\ndataset_kwargs:\n  data_files:\n    validation: ${folder}/${file}\nvalidation_split: validation\n`;
  Deno.writeTextFileSync(
    `${folder}/piqa.yaml`,
    `task: local_piqa\n${common("piqa.jsonl")}output_type: multiple_choice\n` +
      `doc_to_text: "Question: {{goal}}\\nAnswer:"\ndoc_to_target: label\ndoc_to_choice: "{{[sol1, sol2]}}"\n` +
      `metric_list:\n  - metric: acc\n  - metric: acc_norm\n`,
  );
  Deno.writeTextFileSync(
    `${folder}/text.yaml`,
    `task: local_text\n${common("text.jsonl")}output_type: generate_until\ndoc_to_text: "{{goal}}"\n` +
      `doc_to_target: "{{goal}}"\ngeneration_kwargs:\n  until: ["\\n", "."]\n  max_gen_toks: 16\n  do_sample: false\n` +
      `metric_list:\n  - metric: exact_match\n`,
  );
}

/** What lm-eval writes of each item. */
interface Sample {
  readonly doc_id: number;
  readonly acc?: number;
  readonly acc_norm?: number;
  readonly arguments: Record<string, Record<string, unknown>>;
  readonly resps: unknown[][][];
}

/** Runs lm-eval: each task's samples. */
async function evaluate(
  url: string,
  { task, tokenized }: { task: string; tokenized: boolean },
): Promise<Sample[]> {
  const folder = Deno.makeTempDirSync();
  try {
    writeTasks(folder);
    const settings = [
      "model=tinyworld",
      `base_url=${url}/v1/completions`,
      "num_concurrent=8",
      "max_length=512",
      "tokenizer_backend=remote",
      `tokenized_requests=${tokenized ? "True" : "False"}`,
    ];
    const { success, stderr } = await new Deno.Command(python!, {
      args: ["-m", "lm_eval", "--model", "local-completions", "--model_args", settings.join(",")].concat(
        ["--tasks", task, "--include_path", folder, "--log_samples", "--output_path", `${folder}/out`],
      ),
      env: { HF_HUB_OFFLINE: "1", HF_DATASETS_OFFLINE: "1", HF_HOME: `${folder}/hf` },
    }).output();
    assert(success, new TextDecoder().decode(stderr).slice(-3000));
    const [out] = [...Deno.readDirSync(`${folder}/out`)];
    const file = [...Deno.readDirSync(`${folder}/out/${out!.name}`)].find(({ name }) =>
      name.startsWith("samples_")
    );
    const text = Deno.readTextFileSync(`${folder}/out/${out!.name}/${file!.name}`);
    return text.trim().split("\n").map((line) => JSON.parse(line));
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

for (const tokenized of [true, false]) {
  const form = tokenized ? "ids" : "texts";
  Deno.test({
    name: `lm-eval scores PIQA's items as task eval does, eight requests at a time, by ${form}${reason}`,
    ignore: python === undefined,
    async fn() {
      await using server = serve(new Map([["tinyworld", model]]), { port: 0 });
      const samples = await evaluate(server.url, { task: "local_piqa", tokenized });
      assertEquals(samples.length, ITEMS);
      const folder = Deno.makeTempDirSync();
      writeTasks(folder);
      const { items } = await runTask(model, tasks.get("piqa")!, { dataDir: folder });
      Deno.removeSync(folder, { recursive: true });
      let spread = 0;
      for (const { doc_id, resps, acc, acc_norm } of samples) {
        const { loglikelihoods, scores } = items[doc_id]!;
        assertEquals([acc, acc_norm], [scores.acc, scores.acc_norm]);
        for (const [i, expected] of loglikelihoods!.entries()) {
          assertAlmostEquals(Number(resps[i]![0]![0]), expected, 1e-3, `item ${doc_id}, choice ${i}`);
          spread += Math.abs(expected);
        }
      }
      assertGreater(spread, 100);
    },
  });

  Deno.test({
    name: `lm-eval generates what the model itself does, by ${form}${reason}`,
    ignore: python === undefined,
    async fn() {
      await using server = serve(new Map([["tinyworld", model]]), { port: 0 });
      const samples = await evaluate(server.url, { task: "local_text", tokenized });
      assertEquals(samples.length, 8);
      for (const { arguments: given, resps } of samples) {
        const [{ arg_0: prompt }] = Object.values(given) as [Record<string, unknown>];
        // lm-eval stops at the end token's text too.
        const stop = ["\n", ".", "<|eos|>"];
        const ids = model.tokenizer.encode(prompt as string, { specialTokens: !tokenized });
        using session = model.session();
        let text = "";
        for await (const piece of continueIds(model, ids, { maxTokens: 16, stop, session, known: 0 })) {
          text += piece.text;
        }
        assertEquals(resps[0]![0] as unknown, text);
      }
    },
  });
}
