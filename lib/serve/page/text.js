/** A text whose tokens are coloured, and can be chosen by pointing and by keys. */

/** KL, in nats, of the hottest colour. */
const HOTTEST_KL = 1;

let texts = 0;

/** How hot a token is, from 0 to 1; nothing where that is not known. */
function heatOf(token, colour) {
  if (colour === "kl") return token.kl === undefined ? 0 : Math.min(1, Math.sqrt(token.kl / HOTTEST_KL));
  return 1 - Math.exp(token.logprob);
}

/** One model's text. */
export class Text {
  #tokens = [];
  #spans = [];
  #colour;
  #chosen = -1;
  #onChoose;
  #box = document.createElement("div");
  #facts = document.createElement("p");
  #name = `text-${++texts}`;
  /** Its element. */
  element = document.createElement("article");

  constructor({ title, given, colour, onChoose }) {
    this.#colour = colour;
    this.#onChoose = onChoose;
    const heading = document.createElement("h2");
    heading.textContent = title;
    this.#facts.className = "facts";
    this.#facts.textContent = "…";
    this.#box.className = "text";
    const before = document.createElement("span");
    before.className = "given";
    before.textContent = given;
    const holder = document.createElement("div");
    holder.className = "text";
    holder.append(before, this.#box);
    this.#box.className = "tokens";
    this.#box.style.display = "inline";
    this.#box.setAttribute("aria-label", `Tokens of ${title}`);
    this.#box.addEventListener("pointerover", ({ target }) => this.#choose(this.#spans.indexOf(target)));
    this.#box.addEventListener("click", ({ target }) => this.#choose(this.#spans.indexOf(target)));
    this.#box.addEventListener("focus", () => this.#choose(Math.max(0, this.#chosen)));
    this.#box.addEventListener("keydown", (event) => this.#move(event));
    this.element.append(heading, this.#facts, holder);
  }

  /** Its tokens so far. */
  get tokens() {
    return this.#tokens;
  }

  /** Adds a token. */
  push(token) {
    if (this.#tokens.length === 0) {
      this.#box.tabIndex = 0;
      this.#box.setAttribute("role", "listbox");
    }
    const span = document.createElement("span");
    span.className = "token";
    span.id = `${this.#name}-${this.#tokens.length}`;
    span.setAttribute("role", "option");
    span.setAttribute("aria-selected", "false");
    span.textContent = token.text.startsWith("bytes:") ? "▯" : token.text;
    // Blanks have no name of their own.
    if (token.text.trim() === "") span.setAttribute("aria-label", token.text === "" ? "nothing" : "blank");
    this.#tokens.push(token);
    this.#spans.push(span);
    this.#heat(this.#tokens.length - 1);
    this.#box.append(span);
  }

  /** Adds what is known of tokens only once all are there. */
  extend(i, more) {
    Object.assign(this.#tokens[i], more);
    this.#heat(i);
  }

  #heat(i) {
    this.#spans[i].style.setProperty("--heat", String(heatOf(this.#tokens[i], this.#colour)));
  }

  /** Says something about the text. */
  set facts(text) {
    this.#facts.textContent = text;
  }

  /** What the colours mean: "probability" or "kl". */
  set colour(colour) {
    this.#colour = colour;
    for (const i of this.#tokens.keys()) this.#heat(i);
  }

  #choose(i) {
    if (i < 0 || i >= this.#spans.length) return;
    for (const span of document.querySelectorAll(".token.chosen")) {
      span.classList.remove("chosen");
      span.setAttribute("aria-selected", "false");
    }
    this.#chosen = i;
    this.#spans[i].classList.add("chosen");
    this.#spans[i].setAttribute("aria-selected", "true");
    this.#box.setAttribute("aria-activedescendant", this.#spans[i].id);
    this.#onChoose(this.#tokens[i]);
  }

  #move(event) {
    const last = this.#spans.length - 1;
    const to = {
      ArrowLeft: this.#chosen - 1,
      ArrowUp: this.#chosen - 1,
      ArrowRight: this.#chosen + 1,
      ArrowDown: this.#chosen + 1,
      Home: 0,
      End: last,
    }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    this.#choose(Math.min(last, Math.max(0, to)));
  }
}
