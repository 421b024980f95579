/**
 * A template's tokens, with the white space that Jinja2 takes away when `trim_blocks` and `lstrip_blocks` are set
 * (jinja.palletsprojects.com/en/stable/templates/#whitespace-control).
 *
 * @module
 */
import { fail } from "./errors.ts";
import { strip, WHITE_SPACE } from "./text.ts";

/** What a token is: text outside of tags, the brackets of tags, or a part of an expression. */
export type TokenType =
  | "data"
  | "block_begin"
  | "block_end"
  | "variable_begin"
  | "variable_end"
  | "name"
  | "string"
  | "integer"
  | "float"
  | "operator"
  | "eof";

/** A token. */
export interface Token {
  readonly type: TokenType;
  readonly value: string;
  readonly line: number;
}

/** A pattern in which \s is Python's white space. */
const pattern = (source: string, flags: string) => new RegExp(source.replaceAll("\\s", WHITE_SPACE), flags);

const TAG = pattern(
  String.raw`\{%([-+]?)\s*raw\s*(?:-%\}\s*|%\})|\{\{([-+]?)|\{%([-+]?)|\{#([-+]?)`,
  "g",
);
const COMMENT_END = pattern(String.raw`\+#\}|-#\}\s*|#\}\n?`, "g");
const RAW_END = pattern(String.raw`\{%([-+]?)\s*endraw\s*(?:\+%\}|-%\}\s*|%\}\n?)`, "g");
const BLOCK_END = pattern(String.raw`\+%\}|-%\}\s*|%\}\n?`, "y");
const VARIABLE_END = pattern(String.raw`-\}\}\s*|\}\}`, "y");

const SPACE = pattern(String.raw`\s+`, "y");
const BLANK = pattern(String.raw`^\s+$`, "");
const FLOAT = /(?<!\.)(?:\d+_)*\d+(?:(?:\.(?:\d+_)*\d+)?e[+-]?(?:\d+_)*\d+|\.(?:\d+_)*\d+)/iy;
const INTEGER = /0b(?:_?[01])+|0o(?:_?[0-7])+|0x(?:_?[\da-f])+|[1-9](?:_?\d)*|0(?:_?0)*/iy;
const NAME = /[\p{XID_Start}_]\p{XID_Continue}*/uy;
const STRING = /'(?:[^'\\]|\\[^])*'|"(?:[^"\\]|\\[^])*"/y;
const OPERATOR = /\/\/|\*\*|==|!=|>=|<=|[-+/*%~[\](){}><=.:|,;]/y;

const CLOSES: Readonly<Record<string, string>> = { "(": ")", "[": "]", "{": "}" };

/** Python's escapes in strings, of one letter. */
const ESCAPES: Readonly<Record<string, string>> = {
  ...{ n: "\n", r: "\r", t: "\t", b: "\b", f: "\f", v: "\v", a: "\x07", "\\": "\\", "'": "'", '"': '"' },
  "\n": "",
};

/** The value of a string literal, as Python's unicode_escape codec reads it. */
function unescape(literal: string): string {
  return literal.replaceAll(
    /\\(?:x([\da-fA-F]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8})|([0-7]{1,3})|([^]))/gu,
    (whole, ...groups: (string | undefined)[]) => {
      const [x, u, long, octal, other] = groups;
      const hex = x ?? u ?? long;
      if (hex !== undefined) {
        const code = parseInt(hex, 16);
        if (code > 0x10ffff) fail(`the escape ${whole} is no character`);
        return String.fromCodePoint(code);
      }
      if (octal !== undefined) return String.fromCharCode(parseInt(octal, 8));
      const letter = other ?? "";
      if (Object.hasOwn(ESCAPES, letter)) return ESCAPES[letter]!;
      if ("xuUN".includes(letter)) fail(`the escape ${whole} is malformed or not supported`);
      const code = letter.codePointAt(0)!;
      if (code < 128) return `\\${letter}`;
      // The codec reads ASCII: such a character has been written as an escape, whose backslash this one escapes.
      return code < 256
        ? `\\x${code.toString(16).padStart(2, "0")}`
        : code < 65536
        ? `\\u${code.toString(16).padStart(4, "0")}`
        : `\\U${code.toString(16).padStart(8, "0")}`;
    },
  );
}

/** Reads a template from its start. */
class Lexer {
  readonly #source: string;
  readonly #tokens: Token[] = [];
  #at = 0;
  #line = 1;
  #counted = 0;
  /** Whether what is read next stands at the start of a line. */
  #lineStarts = true;

  constructor(source: string) {
    const lines = source.split(/\r\n|\r|\n/);
    if (lines.at(-1) === "") lines.pop();
    this.#source = lines.join("\n");
  }

  #push(type: TokenType, value: string, at = this.#at): void {
    for (; this.#counted < at; this.#counted++) if (this.#source[this.#counted] === "\n") this.#line++;
    this.#tokens.push({ type, value, line: this.#line });
  }

  /** What a pattern matches right here. */
  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#source)?.[0];
    if (found !== undefined) this.#at += found.length;
    return found;
  }

  /** The next match of a pattern, and moves behind it. */
  #find(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#source);
    if (found) this.#moveTo(found.index + found[0].length);
    return found;
  }

  #moveTo(at: number): void {
    this.#lineStarts = this.#source[at - 1] === "\n";
    this.#at = at;
  }

  /** Text before a tag, without the white space that the tag takes. */
  #data(
    text: string,
    { sign, block, lineStarts }: { sign: string; block: boolean; lineStarts: boolean },
  ): void {
    if (sign === "-") text = strip(text, { left: false });
    else if (sign !== "+" && block) {
      const line = text.lastIndexOf("\n") + 1;
      if ((line > 0 || lineStarts) && BLANK.test(text.slice(line))) text = text.slice(0, line);
    }
    if (text !== "") this.#push("data", text);
  }

  tokens(): Token[] {
    const source = this.#source;
    for (;;) {
      const [from, lineStarts] = [this.#at, this.#lineStarts];
      const tag = this.#find(TAG);
      if (!tag) break;
      const [whole, raw, variable, block, comment] = tag;
      const sign = raw ?? variable ?? block ?? comment ?? "";
      this.#data(source.slice(from, tag.index), { sign, block: variable === undefined, lineStarts });
      if (raw !== undefined) this.#raw(whole);
      else if (comment !== undefined) {
        if (!this.#find(COMMENT_END)) fail("a comment has no end");
      } else this.#tag(block !== undefined ? "block" : "variable");
    }
    const rest = source.slice(this.#at);
    if (rest !== "") this.#push("data", rest);
    this.#push("eof", "", source.length);
    return this.#tokens;
  }

  #raw(begin: string): void {
    const [from, lineStarts] = [this.#at, begin.endsWith("\n")];
    const end = this.#find(RAW_END);
    if (!end) fail('a "raw" block has no end');
    this.#data(this.#source.slice(from, end!.index), { sign: end![1]!, block: true, lineStarts });
  }

  #tag(kind: "block" | "variable"): void {
    this.#push(`${kind}_begin`, "");
    const open: string[] = [];
    while (this.#at < this.#source.length) {
      if (open.length === 0) {
        const end = this.#match(kind === "block" ? BLOCK_END : VARIABLE_END);
        if (end !== undefined) {
          this.#moveTo(this.#at);
          this.#push(`${kind}_end`, "");
          return;
        }
      }
      this.#expressionToken(open);
    }
    fail(`a tag has no end, in line ${this.#line}`);
  }

  #expressionToken(open: string[]): void {
    if (this.#match(SPACE) !== undefined) return;
    const at = this.#at;
    let value: string | undefined;
    if ((value = this.#match(FLOAT)) !== undefined) this.#push("float", value.replaceAll("_", ""), at);
    else if ((value = this.#match(INTEGER)) !== undefined) {
      this.#push("integer", value.replaceAll("_", ""), at);
    } else if ((value = this.#match(NAME)) !== undefined) this.#push("name", value, at);
    else if ((value = this.#match(STRING)) !== undefined) {
      this.#push("string", unescape(value.slice(1, -1)), at);
    } else if ((value = this.#match(OPERATOR)) !== undefined) {
      if (value in CLOSES) open.push(CLOSES[value]!);
      else if (")]}".includes(value) && open.pop() !== value) {
        fail(`"${value}" is unexpected, in line ${this.#line}`);
      }
      this.#push("operator", value, at);
    } else fail(`the character ${JSON.stringify(this.#source[at])} is unexpected, in line ${this.#line}`);
  }
}

/**
 * The tokens of a template.
 *
 * @throws {TemplateError} when it is malformed.
 */
export function tokenize(source: string): Token[] {
  return new Lexer(source).tokens();
}
