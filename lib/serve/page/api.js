/** What the page asks of its server. */

const headers = { "content-type": "application/json" };

/** Sets the key that the server asks for. */
export function useKey(key) {
  if (key === "") delete headers.authorization;
  else headers.authorization = `Bearer ${key}`;
}

/** An answer that is none: `status` tells why. */
class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

async function ask(path, { body, signal } = {}) {
  const init = body ? { method: "POST", body: JSON.stringify(body) } : {};
  const response = await fetch(path, { ...init, headers, signal });
  if (response.ok) return response;
  const said = await response.json().catch(() => ({}));
  throw new Refused(response.status, said.error?.message ?? `The server answered ${response.status}`);
}

/** The models that the server has. */
export async function models() {
  return (await (await ask("v1/models")).json()).data;
}

/** The ids of a text or of a conversation. */
export async function tokenize(body, signal) {
  return (await (await ask("tokenize", { body, signal })).json()).tokens;
}

/** What two models think of each token. */
export async function compare(body, signal) {
  return (await (await ask("compare", { body, signal })).json()).tokens;
}

/** The events of an answer that is written token by token. */
export function stream(path, body, signal) {
  return events(path, { ...body, stream: true }, signal);
}

/** The events of quantizing a model: `{ done, total }`, and its name in the end. */
export function quantize(body, signal) {
  return events("quantize", body, signal);
}

async function* events(path, body, signal) {
  const response = await ask(path, { body, signal });
  let held = "";
  for await (const text of pieces(response.body.pipeThrough(new TextDecoderStream()))) {
    const events = (held + text).split("\n\n");
    held = events.pop();
    for (const event of events) {
      const data = event.replace(/^data: /, "");
      if (data === "[DONE]") return;
      const value = JSON.parse(data);
      if (value.error) throw new Refused(500, value.error.message);
      yield value;
    }
  }
}

/** Not every browser iterates over streams. */
async function* pieces(body) {
  const reader = body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    yield value;
  }
}

/** The tokens of both endpoints' chunks in one shape: { text, id, logprob, top: [{ text, logprob }] }. */
export function tokensOf(chunk) {
  const [choice] = chunk.choices;
  if (!choice?.logprobs) return [];
  const ids = choice.token_ids;
  const { content, tokens, token_logprobs, top_logprobs } = choice.logprobs;
  if (content) {
    return content.map(({ token, logprob, top_logprobs: top }, i) => ({
      text: token,
      id: ids[i],
      logprob,
      top: top.map(({ token, logprob }) => ({ text: token, logprob })),
    }));
  }
  return tokens.map((text, i) => ({
    text,
    id: ids[i],
    logprob: token_logprobs[i],
    top: Object.entries(top_logprobs[i]).map(([text, logprob]) => ({ text, logprob })),
  }));
}
