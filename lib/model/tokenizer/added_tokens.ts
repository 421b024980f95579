/**
 * Tokens that are found in a text before anything else is done with it (huggingface/tokenizers, added_vocabulary.rs).
 *
 * @module
 */
import type { Normalizer } from "./normalizers.ts";

/** A token that was added to a vocabulary. */
export interface AddedToken {
  readonly id: number;
  readonly content: string;
  /** Found as a word of its own only. */
  readonly single_word: boolean;
  /** Takes the white space before it. */
  readonly lstrip: boolean;
  /** Takes the white space behind it. */
  readonly rstrip: boolean;
  /** Found in the text as it is after normalization. */
  readonly normalized: boolean;
  /** Left out of decoded text. */
  readonly special: boolean;
}

/** A part of a text: text, or a token that was found in it. `start` says that nothing stands before it. */
export interface Part {
  readonly text: string;
  readonly id?: number;
  readonly start: boolean;
}

interface Node {
  readonly children: Map<number, Node>;
  token?: AddedToken;
}

const WORD_END = /[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\u200c\u200d]$/u;
const WORD_START = /^[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\u200c\u200d]/u;
const SPACE = /\p{White_Space}/u;

/** Finds tokens in texts: at each place the longest. */
class Finder {
  readonly #root: Node = { children: new Map() };

  add(content: string, token: AddedToken): void {
    if (content === "") return;
    let node = this.#root;
    for (let at = 0; at < content.length; at++) {
      const unit = content.charCodeAt(at);
      let child = node.children.get(unit);
      if (!child) node.children.set(unit, child = { children: new Map() });
      node = child;
    }
    node.token = token;
  }

  #longest(text: string, from: number): { token: AddedToken; to: number } | undefined {
    let node: Node | undefined = this.#root;
    let found: { token: AddedToken; to: number } | undefined;
    for (let at = from; at < text.length && (node = node.children.get(text.charCodeAt(at)));) {
      at++;
      if (node.token) found = { token: node.token, to: at };
    }
    return found;
  }

  split(text: string, atStart: boolean): Part[] {
    const { children } = this.#root;
    const parts: Part[] = [];
    const push = (from: number, to: number) => {
      if (from < to) parts.push({ text: text.slice(from, to), start: atStart && from === 0 });
    };
    let settled = 0;
    if (children.size > 0) {
      for (let at = 0; at < text.length; at++) {
        if (!children.has(text.charCodeAt(at))) continue;
        const found = this.#longest(text, at);
        if (!found) continue;
        const { token } = found;
        const [from, to] = [at, found.to];
        at = to - 1;
        if (token.single_word && !isWord(text, from, to)) continue;
        let [start, stop] = [from, to];
        while (token.lstrip && start > settled && SPACE.test(text[start - 1]!)) start--;
        while (token.rstrip && stop < text.length && SPACE.test(text[stop]!)) stop++;
        push(settled, Math.max(settled, start));
        parts.push({ text: "", id: token.id, start: false });
        settled = stop;
      }
    }
    push(settled, text.length);
    return parts;
  }
}

function isWord(text: string, from: number, to: number): boolean {
  return !WORD_END.test(text.slice(Math.max(0, from - 2), from)) && !WORD_START.test(text.slice(to, to + 2));
}

/** Splits texts at added tokens. */
export class AddedTokens {
  readonly #plain = new Finder();
  readonly #normalized = new Finder();
  readonly #normalize: Normalizer | undefined;

  constructor(tokens: Iterable<AddedToken>, normalize: Normalizer | undefined) {
    this.#normalize = normalize;
    for (const token of tokens) {
      if (token.normalized) this.#normalized.add(normalize?.(token.content) ?? token.content, token);
      else this.#plain.add(token.content, token);
    }
  }

  /** The parts of a text, normalized. */
  split(text: string): Part[] {
    return this.#plain.split(text, true).flatMap((part) => {
      if (part.id !== undefined) return [part];
      return this.#normalized.split(this.#normalize?.(part.text) ?? part.text, part.start);
    });
  }
}
