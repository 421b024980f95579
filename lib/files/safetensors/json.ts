/**
 * JSON read piece by piece. JSON.parse would hide repeated keys, take 2.0 for 2, and build whatever a hostile file has
 * nested.
 *
 * @module
 */
import { type Fail, quote } from "./messages.ts";

/** As deep as Rust's serde_json reads, and so the safetensors library. */
const DEEPEST = 127;

const WHOLE = /(?:0|[1-9][0-9]*)(?![0-9.eE])/y;
const SCALAR = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|true|false|null/y;
/** What Python's json module writes and reads beyond JSON. */
const PYTHON_SCALAR = /NaN|-?Infinity/y;
const NAMED: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ["true", true],
  ["false", false],
  ["null", null],
  ["NaN", NaN],
  ["Infinity", Infinity],
  ["-Infinity", -Infinity],
]);

/** A place in a JSON text, and the ways to read on from there. Each throws through `fail` where the text is another. */
export class JsonCursor {
  readonly #text: string;
  readonly #name: string;
  readonly #fail: Fail;
  readonly #python: boolean;
  #at = 0;
  #depth = 0;

  /**
   * Starts at the text's first character.
   *
   * @param text the JSON text.
   * @param options `name`: what messages call it, such as "its header"; `fail`: what throws them; `python`: whether NaN,
   * infinities and halves of surrogate pairs are read too, as Python's json module does.
   */
  constructor(text: string, options: { name: string; fail: Fail; python?: boolean }) {
    this.#text = text;
    this.#name = options.name;
    this.#fail = options.fail;
    this.#python = options.python ?? false;
  }

  /** An object, no key of which may come twice; `visit` reads each member's value. */
  members(what: string, visit: (key: string) => void): void {
    const keys = new Set<string>();
    this.#object(`${what} to be an object`, (key) => {
      if (keys.has(key)) this.#fail(`${what} has ${quote(key)} twice`);
      keys.add(key);
      visit(key);
    });
  }

  /** A list; `visit` reads each item. */
  items(expected: string, visit: () => void): void {
    this.#each("[]", expected, visit);
  }

  /** A whole number from 0 to 2^53 − 1, written as one. */
  whole(expected: string): number {
    this.#peek();
    const digits = this.#match(WHOLE);
    if (digits === null || !Number.isSafeInteger(Number(digits))) this.#unexpected(expected, digits);
    return Number(digits);
  }

  /** A string of Unicode characters. */
  string(expected: string): string {
    if (this.#peek() !== '"') this.#unexpected(expected);
    const from = this.#at;
    let plain = true;
    for (this.#at++;; this.#at++) {
      const code = this.#text.charCodeAt(this.#at);
      if (code === 0x22) break;
      // Past the end, the code is NaN, which is not greater either.
      if (!(code >= 0x20)) this.#unexpected("a string to go on");
      if (code !== 0x5c) continue;
      plain = false;
      this.#at++;
    }
    this.#at++;
    const value = plain ? this.#text.slice(from + 1, this.#at - 1) : this.#unescape(from);
    if (!this.#python && !value.isWellFormed()) {
      this.#fail(`${this.#name} has half a surrogate pair at character ${from}`);
    }
    return value;
  }

  /** Whether null stands here; reads over it. */
  isNull(): boolean {
    return this.#peek() === "n" && this.#match(SCALAR) !== null;
  }

  /** Reads over any value. */
  skip(): void {
    const next = this.#peek();
    if (next === "{") this.#object("an object", () => this.skip());
    else if (next === "[") this.items("a list", () => this.skip());
    else if (next === '"') this.string("a string");
    else this.#scalar();
  }

  /**
   * Any value; of a key that comes twice the last one counts.
   *
   * @param onNumber is given each number as it is written, and the key whose value it is.
   */
  value(onNumber?: (text: string, key?: string) => void, key?: string): unknown {
    const next = this.#peek();
    if (next === "{") {
      const members: [string, unknown][] = [];
      this.#object("an object", (key) => members.push([key, this.value(onNumber, key)]));
      return Object.fromEntries(members);
    }
    if (next === "[") {
      const items: unknown[] = [];
      this.items("a list", () => items.push(this.value(onNumber)));
      return items;
    }
    if (next === '"') return this.string("a string");
    const text = this.#scalar();
    if (NAMED.has(text)) return NAMED.get(text);
    onNumber?.(text, key);
    return Number(text);
  }

  #scalar(): string {
    const found = this.#match(SCALAR) ?? (this.#python ? this.#match(PYTHON_SCALAR) : null);
    return found ?? this.#unexpected("a value");
  }

  /** Nothing but space may follow. */
  end(): void {
    if (this.#peek() !== "") this.#unexpected("its end");
  }

  #object(expected: string, visit: (key: string) => void): void {
    this.#each("{}", expected, () => {
      const key = this.string("a key");
      this.#need(":", '":" after a key');
      visit(key);
    });
  }

  #each(brackets: "[]" | "{}", expected: string, visit: () => void): void {
    const close = brackets.charAt(1);
    this.#need(brackets.charAt(0), expected);
    if (++this.#depth > DEEPEST) this.#fail(`${this.#name} is nested more than ${DEEPEST} deep`);
    if (!this.#take(close)) {
      do visit(); while (this.#take(","));
      this.#need(close, `"," or "${close}"`);
    }
    this.#depth--;
  }

  #unescape(from: number): string {
    try {
      return JSON.parse(this.#text.slice(from, this.#at));
    } catch (cause) {
      return this.#fail(`${this.#name} has a malformed string at character ${from}`, cause);
    }
  }

  /** The next character that is not space; "" at the end. */
  #peek(): string {
    for (;; this.#at++) {
      const code = this.#text.charCodeAt(this.#at);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) {
        return this.#text.charAt(this.#at);
      }
    }
  }

  #take(char: string): boolean {
    const found = this.#peek() === char;
    if (found) this.#at++;
    return found;
  }

  #need(char: string, expected: string): void {
    if (!this.#take(char)) this.#unexpected(expected);
  }

  #match(pattern: RegExp): string | null {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0] ?? null;
    this.#at += found?.length ?? 0;
    return found;
  }

  /** Fails, at the token last read where it is given. */
  #unexpected(expected: string, token?: string | null): never {
    const at = this.#at - (token?.length ?? 0);
    const found = at < this.#text.length ? quote(this.#text.slice(at, at + 24)) : "its end";
    return this.#fail(`${this.#name} is malformed at character ${at}: expected ${expected}, found ${found}`);
  }
}
