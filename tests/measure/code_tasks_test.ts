import { assertEquals } from "@std/assert";
import { prepareTask, tasks } from "any4/measure";
import { sha256 } from "../../lib/files/sha256.ts";
import { runPython } from "../../lib/measure/sandbox/run_python.ts";
import type { CodeTask } from "../../lib/measure/tasks/task.ts";
import golden from "../golden/code_tasks.json" with { type: "json" };

const DATA = Deno.env.get("ANY4_DATA");
const reason = DATA === undefined ? " (ignored: ANY4_DATA is not set)" : "";

for (const { task: name, until, prompts, answers } of golden) {
  Deno.test({
    name: `${name}: prompts and the scores of known answers are lm-evaluation-harness's${reason}`,
    ignore: DATA === undefined,
    async fn() {
      const task = tasks.get(name) as CodeTask;
      assertEquals(task.until, until);
      const { documents } = await prepareTask(task, { dataDir: `${DATA}/eval`, limit: prompts.length });
      assertEquals(documents.map(({ prompts: [prompt] }) => sha256([prompt!]).slice(0, 12)), prompts);
      for (const { item, text, pass } of answers) {
        const ran = await runPython(task.program(text, documents[item]!.row));
        assertEquals(Number(ran === "passed"), pass, `item ${item}: ${ran}`);
      }
    },
  });
}
