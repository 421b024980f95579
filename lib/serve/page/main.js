/** The page: asks one or two models to write, and shows what they think of each token. */
import { compare, models, quantize, stream, tokenize, tokensOf, useKey } from "./api.js";
import { SpeedPlot } from "./plot.js";
import { Text } from "./text.js";

/** The likeliest tokens that are shown. */
const TOP = 5;
/** Tokens that the server compares at most. */
const MOST_COMPARED = 512;
/** Fields that a link may fill in. */
const FILLED = ["model", "beside", "tokens", "temperature", "seed", "prompt"];

const NO_TOKEN = document.querySelector("#detail p");
const $ = (id) => document.getElementById(id);
const chosen = (name) => document.querySelector(`input[name="${name}"]:checked`).value;

let known = [];
let texts = [];
/** The conversation so far, as the first model has it. */
let messages = [];
let running;

function say(problem) {
  $("problem").textContent = problem;
}

async function listModels() {
  try {
    known = await models();
  } catch (error) {
    $("key-field").hidden = error.status !== 401;
    say(error.message);
    return;
  }
  say("");
  const choices = known.find((model) => model.quantizes_to)?.quantizes_to;
  $("lab").hidden = !choices;
  if (choices && $("format").options.length === 0) {
    fill("format", choices.formats, "any4");
    fill("group", choices.group_sizes, "128");
    fill("method", choices.methods, "kmeans");
  }
  const options = known.map(({ id }) => new Option(id, id));
  $("model").replaceChildren(...options.map((option) => option.cloneNode(true)));
  $("beside").replaceChildren(new Option("nothing", ""), ...options);
  if (known.length > 1) $("beside").value = known.at(-1).id;
  for (const input of document.querySelectorAll('input[value="chat"]')) {
    input.disabled = !known.some(({ chat }) => chat);
    input.parentElement.title = input.disabled ? "The model has no chat template" : "";
  }
  if (known.some(({ chat }) => chat)) return;
  const note = document.querySelector('input[value="chat"]').parentElement;
  note.append(note.dataset.noted ? "" : " (this model has no chat template)");
  note.dataset.noted = "yes";
}

/** The choices of a list, one of which is chosen. */
function fill(id, values, value) {
  $(id).replaceChildren(...values.map((one) => new Option(one, one)));
  $(id).value = value;
}

/** Has the server quantize the model, and puts the new one beside it. */
async function make() {
  const base = known.find((model) => model.quantizes_to).id;
  const group = $("group").value;
  const body = { format: $("format").value, method: $("method").value };
  body.group_size = group === "row" ? group : Number(group);
  $("progress").value = 0;
  [$("step").textContent, $("ready").textContent] = ["calibrating", ""];
  for await (const { done, total, linear, model } of quantize(body, running.signal)) {
    if (model) {
      await listModels();
      [$("model").value, $("beside").value] = [base, model];
      $("ready").textContent = `${model} stands beside it now.`;
      continue;
    }
    $("progress").value = done / total;
    $("step").textContent = `${done} of ${total}: ${linear}`;
  }
}

/** A token's text as it is written in a table: blanks can be seen. */
function visible(text) {
  const code = document.createElement("code");
  code.textContent = text.replaceAll(" ", "␣").replaceAll("\n", "↵").replaceAll("\t", "⇥") || "∅";
  return code;
}

const percent = (logprob) => `${(100 * Math.exp(logprob)).toPrecision(3)} %`;

function alternatives(title, top) {
  const table = document.createElement("table");
  table.createCaption().textContent = title;
  for (const { text, logprob } of top) {
    const row = table.insertRow();
    const head = document.createElement("th");
    head.scope = "row";
    head.append(visible(text));
    row.append(head);
    row.insertCell().textContent = percent(logprob);
  }
  return table;
}

function showToken(token) {
  const line = document.createElement("p");
  const kl = token.kl === undefined ? "" : `; the models differ by ${token.kl.toPrecision(3)} nats`;
  line.append(visible(token.text), ` had a probability of ${percent(token.logprob)}${kl}.`);
  const tables = document.createElement("div");
  tables.className = "alternatives";
  const both = token.scores ?? [{ title: "Could have come", top: token.top }];
  tables.append(...both.map(({ title, top }) => alternatives(title, top)));
  $("detail").replaceChildren(line, tables);
}

function showScale() {
  const kl = chosen("colour") === "kl";
  $("least").textContent = kl ? "0" : "p = 1";
  $("most").textContent = kl ? "1 nat or more" : "p = 0";
  for (const text of texts) text.colour = chosen("colour");
}

/** One model's answer, token by token. */
async function write(text, { model, body, path, onToken, signal }) {
  const started = performance.now();
  const bits = known.find(({ id }) => id === model).bits_per_weight.toPrecision(3);
  let written = "";
  let reason;
  for await (const chunk of stream(path, { ...body, model }, signal)) {
    const [choice] = chunk.choices;
    written += choice?.text ?? choice?.delta?.content ?? "";
    reason = choice?.finish_reason ?? reason;
    for (const token of tokensOf(chunk)) {
      text.push(token);
      onToken(performance.now() - started);
    }
    const seconds = (performance.now() - started) / 1000;
    text.facts = `${bits} bits a weight · ${text.tokens.length} tokens in ${seconds.toFixed(1)} s${
      reason ? `, ended by ${reason}` : ""
    }`;
  }
  return written;
}

/** Asks both models what they think of each text's tokens. */
async function compareTexts(names, prompt, signal) {
  for (const [i, text] of texts.entries()) {
    const ids = text.tokens.map(({ id }) => id);
    const tokens = [...prompt, ...ids];
    if (tokens.length > MOST_COMPARED) {
      say(`Texts of more than ${MOST_COMPARED} tokens are not compared.`);
      return;
    }
    const [model, other] = i === 0 ? names : [names[1], names[0]];
    const found = await compare({ model, with: other, tokens, top: TOP }, signal);
    for (const [t, { kl, scores }] of found.slice(prompt.length).entries()) {
      // What this text's model thinks comes first, whichever it is.
      text.extend(t, {
        kl,
        scores: scores.map((score, s) => ({ title: s === 0 ? model : other, ...score })),
      });
    }
  }
}

async function run() {
  const beside = $("beside").value;
  const names = [$("model").value, ...beside !== "" && beside !== $("model").value ? [beside] : []];
  const talks = chosen("mode") === "chat";
  const prompt = $("prompt").value;
  const given = talks ? [...messages, { role: "user", content: prompt }] : undefined;
  const body = {
    max_tokens: $("tokens").valueAsNumber,
    temperature: $("temperature").valueAsNumber,
    seed: $("seed").valueAsNumber,
    return_token_ids: true,
    ...talks ? { messages: given, logprobs: true, top_logprobs: TOP } : { prompt, logprobs: TOP },
  };
  const shown = talks
    ? given.map(({ role, content }) => `${role}: ${content}\n`).join("") + "assistant: "
    : prompt;
  texts = names.map((title) =>
    new Text({ title, given: shown, colour: chosen("colour"), onChoose: showToken })
  );
  $("texts").replaceChildren(...texts.map(({ element }) => element));
  $("detail").replaceChildren(NO_TOKEN);
  const plot = new SpeedPlot($("plot"), names);
  const { signal } = running;
  const path = talks ? "v1/chat/completions" : "v1/completions";
  const answers = await Promise.all(
    names.map((model, i) =>
      write(texts[i], { model, body, path, onToken: (time) => plot.push(i, time), signal })
    ),
  );
  if (talks) {
    messages = [...given, { role: "assistant", content: answers[0] }];
    $("prompt").value = "";
    $("reset").hidden = false;
  }
  if (names.length < 2) return;
  const asked = talks ? { messages: given } : { prompt };
  await compareTexts(names, await tokenize({ model: names[0], ...asked }, signal), signal);
}

/** Does one thing at a time, which "Stop" ends. */
async function alone(work) {
  if (running) return;
  running = new AbortController();
  [$("write").disabled, $("make").disabled, $("stop").disabled] = [true, true, false];
  say("");
  try {
    await work();
  } catch (error) {
    if (error.name !== "AbortError") say(error.message);
  }
  running = undefined;
  [$("write").disabled, $("make").disabled, $("stop").disabled] = [false, false, true];
}

$("form").addEventListener("submit", (event) => {
  event.preventDefault();
  alone(run);
});
$("make").addEventListener("click", async () => {
  $("making").hidden = false;
  await alone(make);
  $("making").hidden = true;
});
$("prompt").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) $("form").requestSubmit();
});
$("stop").addEventListener("click", () => running?.abort());
$("reset").addEventListener("click", () => {
  messages = [];
  $("reset").hidden = true;
  $("texts").replaceChildren();
});
$("key").addEventListener("change", ({ target }) => {
  useKey(target.value);
  listModels();
});
for (const input of document.querySelectorAll('input[name="colour"]')) {
  input.addEventListener("change", showScale);
}
for (const input of document.querySelectorAll('input[name="mode"]')) {
  input.addEventListener("change", () => {
    $("prompt-label").textContent = chosen("mode") === "chat" ? "Message" : "Text";
  });
}

/** A link may fill in the fields, `?prompt=Once upon a time&tokens=24&colour=kl`; one with a text also writes. */
function follow(link) {
  for (const [name, value] of link) {
    const radio = document.querySelector(`input[name="${CSS.escape(name)}"][value="${CSS.escape(value)}"]`);
    if (radio && !radio.disabled) radio.click();
    else if (FILLED.includes(name)) $(name).value = value;
  }
  if (link.has("prompt")) $("form").requestSubmit();
}

new SpeedPlot($("plot"), ["nothing written yet"]);
await listModels();
follow(new URLSearchParams(location.search));
