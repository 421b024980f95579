/**
 * A template's tokens as a tree, by Jinja2's grammar.
 *
 * @module
 */
import { fail } from "./errors.ts";
import { type Token, tokenize } from "./lexer.ts";
import type { Arguments, Expression, Parameter, Signature, Statement, Target } from "./nodes.ts";

/** Deeper trees are no template's. */
const DEEPEST = 200;

/** Statements of Jinja2 that chat templates cannot use, since they have no other templates, or that none needs. */
const REFUSED = new Set([
  "extends",
  "include",
  "import",
  "from",
  "block",
  "autoescape",
  "print",
  "trans",
  "do",
  "debug",
]);

const NO_ARGUMENTS: Arguments = { positional: [], keywords: [] };

const COMPARISONS = new Set(["==", "!=", "<", ">", "<=", ">="]);

class Parser {
  readonly #tokens: readonly Token[];
  #at = 0;
  #depth = 0;
  /** Names that are read, for macros that want to know whether they name `caller` and its like. */
  #names = new Set<string>();
  #loops = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  get #token(): Token {
    return this.#tokens[Math.min(this.#at, this.#tokens.length - 1)]!;
  }

  #next(): Token {
    const token = this.#token;
    this.#at++;
    return token;
  }

  #is(type: Token["type"], value?: string, ahead = 0): boolean {
    const token = this.#tokens[Math.min(this.#at + ahead, this.#tokens.length - 1)]!;
    return token.type === type && (value === undefined || token.value === value);
  }

  #operator(value: string): boolean {
    return this.#is("operator", value);
  }

  #take(type: Token["type"], value?: string): boolean {
    const found = this.#is(type, value);
    if (found) this.#at++;
    return found;
  }

  #expect(type: Token["type"], value?: string): Token {
    if (!this.#is(type, value)) this.#unexpected(value === undefined ? type.replace("_", " ") : `"${value}"`);
    return this.#next();
  }

  #unexpected(expected: string): never {
    const { type, value, line } = this.#token;
    const found = type === "eof"
      ? "its end"
      : value === ""
      ? type.replace("_", " ")
      : `"${value.slice(0, 40)}"`;
    fail(`expected ${expected}, found ${found}, in line ${line}`);
  }

  #deeper<T>(parse: () => T): T {
    if (++this.#depth > DEEPEST) fail(`it is nested more than ${DEEPEST} deep, in line ${this.#token.line}`);
    const parsed = parse();
    this.#depth--;
    return parsed;
  }

  template(): Statement[] {
    const body = this.#body([]);
    if (!this.#is("eof")) this.#unexpected("its end");
    return body;
  }

  /** Statements up to a tag of one of some names, whose name is the next token then; without names up to the end. */
  #body(ends: readonly string[]): Statement[] {
    return this.#deeper(() => {
      const body: Statement[] = [];
      for (;;) {
        const token = this.#token;
        if (token.type === "eof") {
          if (ends.length > 0) this.#unexpected(`a tag "${ends.join('" or "')}"`);
          return body;
        }
        this.#at++;
        if (token.type === "data") body.push({ type: "text", text: token.value });
        else if (token.type === "variable_begin") {
          body.push({ type: "print", value: this.#tuple() });
          this.#expect("variable_end");
        } else if (token.type === "block_begin") {
          if (this.#token.type === "name" && ends.includes(this.#token.value)) return body;
          body.push(this.#statement());
          this.#expect("block_end");
        } else this.#unexpected("text or a tag");
      }
    });
  }

  /** A block's body: behind its tag's end, up to a tag of one of some names. */
  #block(...ends: string[]): Statement[] {
    this.#expect("block_end");
    return this.#body(ends);
  }

  #statement(): Statement {
    const { value: name, line } = this.#expect("name");
    switch (name) {
      case "if":
        return this.#if();
      case "for":
        return this.#for();
      case "set":
        return this.#set();
      case "with":
        return this.#with();
      case "macro":
        return this.#macro();
      case "call":
        return this.#callBlock();
      case "filter": {
        const filter = this.#filters(true)!;
        const body = this.#block("endfilter");
        this.#next();
        return { type: "filter_block", filter, body };
      }
      case "generation": {
        const loops = this.#loops;
        this.#loops = 0;
        const body = this.#block("endgeneration");
        this.#loops = loops;
        this.#next();
        return { type: "scope", body };
      }
      case "break":
      case "continue":
        if (this.#loops === 0) fail(`"${name}" stands outside of a loop, in line ${line}`);
        return { type: name };
    }
    if (REFUSED.has(name)) fail(`the statement "${name}" is not supported, in line ${line}`);
    fail(`unknown tag "${name}", in line ${line}`);
  }

  #if(): Statement {
    const branches = [];
    for (;;) {
      const test = this.#tuple({ condition: false });
      const body = this.#block("elif", "else", "endif");
      branches.push({ test, body });
      const { value } = this.#next();
      if (value === "elif") continue;
      let otherwise: Statement[] = [];
      if (value === "else") {
        otherwise = this.#block("endif");
        this.#next();
      }
      return { type: "if", branches, otherwise };
    }
  }

  #for(): Statement {
    const target = this.#target("in");
    this.#expect("name", "in");
    const of = this.#tuple({ condition: false, end: "recursive" });
    const test = this.#take("name", "if") ? this.#expression() : undefined;
    const recursive = this.#take("name", "recursive");
    this.#loops++;
    const body = this.#block("endfor", "else");
    this.#loops--;
    let otherwise: Statement[] = [];
    if (this.#next().value === "else") {
      otherwise = this.#block("endfor");
      this.#next();
    }
    return { type: "for", target, of, test, recursive, body, otherwise };
  }

  #set(): Statement {
    const target = this.#target(undefined, true);
    if (this.#take("operator", "=")) return { type: "set", target, value: this.#tuple() };
    const filter = this.#filters(false);
    const body = this.#block("endset");
    this.#next();
    return { type: "set_block", target, filter, body };
  }

  #with(): Statement {
    const assignments: [Target, Expression][] = [];
    while (!this.#is("block_end")) {
      if (assignments.length > 0) this.#expect("operator", ",");
      const target = this.#target();
      this.#expect("operator", "=");
      assignments.push([target, this.#expression()]);
    }
    const body = this.#block("endwith");
    this.#next();
    return { type: "with", assignments, body };
  }

  #macro(): Statement {
    const { value: name } = this.#expect("name");
    const { signature, body } = this.#callable("endmacro", true);
    return { type: "macro", name, signature, body };
  }

  #callBlock(): Statement {
    const names = this.#names;
    const parameters = this.#operator("(") ? this.#parameters() : [];
    const { line } = this.#token;
    const call = this.#expression();
    if (call.type !== "call") fail(`expected a call, in line ${line}`);
    const { signature, body } = this.#callable("endcall", false, parameters);
    for (const name of names) this.#names.add(name);
    return { type: "call_block", call, signature, body };
  }

  /** Parameters, unless they are given, and a body. Loops outside do not count inside. */
  #callable(
    end: string,
    reads: boolean,
    given: Parameter[] = [],
  ): { signature: Signature; body: Statement[] } {
    const parameters = reads ? this.#parameters() : given;
    const [names, loops] = [this.#names, this.#loops];
    this.#names = new Set();
    this.#loops = 0;
    const body = this.#block(end);
    this.#next();
    const used = this.#names;
    this.#names = new Set([...names, ...used]);
    this.#loops = loops;
    const free = (name: string) => used.has(name) && !parameters.some((parameter) => parameter.name === name);
    return {
      signature: { parameters, varargs: free("varargs"), kwargs: free("kwargs"), caller: free("caller") },
      body,
    };
  }

  #parameters(): Parameter[] {
    this.#expect("operator", "(");
    const parameters: Parameter[] = [];
    while (!this.#operator(")")) {
      if (parameters.length > 0) this.#expect("operator", ",");
      const { value: name, line } = this.#expect("name");
      if (parameters.some((one) => one.name === name)) {
        fail(`the parameter "${name}" comes twice, in line ${line}`);
      }
      if (this.#take("operator", "=")) parameters.push({ name, otherwise: this.#expression() });
      else if (parameters.at(-1)?.otherwise) fail(`the parameter "${name}" needs a default, in line ${line}`);
      else parameters.push({ name });
    }
    this.#next();
    return parameters;
  }

  #target(end?: string, members = false): Target {
    const items: Target[] = [];
    let tuple = false;
    for (;;) {
      if (items.length > 0 && end !== undefined && this.#is("name", end)) break;
      if (items.length > 0 && (this.#operator(")") || this.#operator("=") || this.#is("block_end"))) break;
      items.push(this.#oneTarget(members));
      if (!this.#take("operator", ",")) break;
      tuple = true;
    }
    return tuple ? { type: "tuple", items } : items[0]!;
  }

  #oneTarget(members: boolean): Target {
    return this.#deeper((): Target => {
      if (this.#take("operator", "(")) {
        const target = this.#target(undefined, members);
        this.#expect("operator", ")");
        return target;
      }
      const { value: name, line } = this.#expect("name");
      if (["true", "false", "none", "True", "False", "None"].includes(name)) {
        fail(`cannot assign to "${name}", in line ${line}`);
      }
      if (members && this.#take("operator", ".")) {
        this.#names.add(name);
        return { type: "member", of: name, name: this.#expect("name").value };
      }
      return { type: "name", name };
    });
  }

  /** One expression, or a tuple of several. */
  #tuple(
    { condition = true, end, empty = false }: { condition?: boolean; end?: string; empty?: boolean } = {},
  ): Expression {
    const items: Expression[] = [];
    let tuple = false;
    for (;;) {
      const ends = this.#is("variable_end") || this.#is("block_end") || this.#operator(")") ||
        (end !== undefined && this.#is("name", end));
      if (ends) break;
      items.push(condition ? this.#expression() : this.#or());
      if (!this.#take("operator", ",")) break;
      tuple = true;
    }
    if (!tuple && items.length === 1) return items[0]!;
    if (items.length === 0 && !empty) this.#unexpected("an expression");
    return { type: "tuple", items };
  }

  #expression(): Expression {
    return this.#deeper(() => {
      let then = this.#or();
      while (this.#take("name", "if")) {
        const test = this.#or();
        const otherwise = this.#take("name", "else") ? this.#expression() : undefined;
        then = { type: "condition", test, then, otherwise };
      }
      return then;
    });
  }

  #or(): Expression {
    let left = this.#and();
    while (this.#take("name", "or")) left = { type: "or", left, right: this.#and() };
    return left;
  }

  #and(): Expression {
    let left = this.#not();
    while (this.#take("name", "and")) left = { type: "and", left, right: this.#not() };
    return left;
  }

  #not(): Expression {
    if (this.#take("name", "not")) return { type: "not", of: this.#deeper(() => this.#not()) };
    return this.#compare();
  }

  #compare(): Expression {
    const first = this.#sum();
    const rest = [];
    for (;;) {
      const { type, value } = this.#token;
      let operator: string | undefined;
      if (type === "operator" && COMPARISONS.has(value)) operator = value;
      else if (this.#is("name", "in")) operator = "in";
      else if (this.#is("name", "not") && this.#is("name", "in", 1)) operator = "not in";
      if (operator === undefined) break;
      this.#at += operator === "not in" ? 2 : 1;
      rest.push({ operator, value: this.#sum() });
    }
    return rest.length === 0 ? first : { type: "compare", first, rest };
  }

  #binary(operators: readonly string[], operand: () => Expression): Expression {
    let left = operand();
    while (this.#token.type === "operator" && operators.includes(this.#token.value)) {
      const operator = this.#next().value;
      left = { type: "binary", operator, left, right: operand() };
    }
    return left;
  }

  #sum(): Expression {
    return this.#binary(["+", "-"], () => this.#concat());
  }

  #concat(): Expression {
    const items = [this.#product()];
    while (this.#take("operator", "~")) items.push(this.#product());
    return items.length === 1 ? items[0]! : { type: "concat", items };
  }

  #product(): Expression {
    return this.#binary(["*", "/", "//", "%"], () => this.#binary(["**"], () => this.#unary(true)));
  }

  #unary(filtered: boolean): Expression {
    return this.#deeper(() => {
      let node: Expression;
      if (this.#take("operator", "-")) node = { type: "negative", of: this.#unary(false) };
      else if (this.#take("operator", "+")) node = { type: "positive", of: this.#unary(false) };
      else node = this.#primary();
      node = this.#postfix(node);
      return filtered ? this.#filtersAndTests(node) : node;
    });
  }

  #primary(): Expression {
    const { type, value } = this.#token;
    if (type === "name") {
      this.#at++;
      if (value === "true" || value === "True") return { type: "constant", value: true };
      if (value === "false" || value === "False") return { type: "constant", value: false };
      if (value === "none" || value === "None") return { type: "constant", value: null };
      this.#names.add(value);
      return { type: "name", name: value };
    }
    if (type === "string") {
      let text = "";
      while (this.#is("string")) text += this.#next().value;
      return { type: "constant", value: text };
    }
    if (type === "integer" || type === "float") {
      this.#at++;
      return { type: "constant", value: type === "integer" ? BigInt(value) : Number(value) };
    }
    if (this.#take("operator", "(")) {
      const node = this.#tuple({ empty: true });
      this.#expect("operator", ")");
      return node;
    }
    if (this.#take("operator", "[")) {
      const items = this.#items("]", () => this.#expression());
      return { type: "list", items };
    }
    if (this.#take("operator", "{")) {
      const items = this.#items("}", () => {
        const key = this.#expression();
        this.#expect("operator", ":");
        return [key, this.#expression()] as const;
      });
      return { type: "dict", items };
    }
    this.#unexpected("an expression");
  }

  /** Items with commas between, and perhaps one behind the last. */
  #items<T>(close: string, parse: () => T): T[] {
    const items: T[] = [];
    while (!this.#operator(close)) {
      if (items.length > 0) this.#expect("operator", ",");
      if (this.#operator(close)) break;
      items.push(parse());
    }
    this.#next();
    return items;
  }

  #postfix(node: Expression): Expression {
    for (;;) {
      if (this.#operator(".") || this.#operator("[")) node = this.#subscript(node);
      else if (this.#operator("(")) node = { type: "call", callee: node, args: this.#arguments() };
      else return node;
    }
  }

  #filtersAndTests(node: Expression): Expression {
    for (;;) {
      if (this.#operator("|")) node = this.#filters(false)!(node);
      else if (this.#is("name", "is")) node = this.#test(node);
      else if (this.#operator("(")) node = { type: "call", callee: node, args: this.#arguments() };
      else return node;
    }
  }

  #subscript(of: Expression): Expression {
    if (this.#take("operator", ".")) {
      if (this.#is("integer")) {
        return { type: "item", of, at: { type: "constant", value: BigInt(this.#next().value) } };
      }
      return { type: "attribute", of, name: this.#expect("name").value };
    }
    this.#expect("operator", "[");
    const parts: (Expression | [Expression?, Expression?, Expression?])[] = [];
    while (!this.#operator("]")) {
      if (parts.length > 0) this.#expect("operator", ",");
      parts.push(this.#subscribed());
    }
    this.#next();
    const [first] = parts;
    if (first === undefined) this.#unexpected("an index");
    if (parts.length === 1) {
      return Array.isArray(first) ? { type: "slice", of, bounds: first } : { type: "item", of, at: first };
    }
    if (parts.some(Array.isArray)) fail(`slices of several dimensions are not supported`);
    return { type: "item", of, at: { type: "tuple", items: parts as Expression[] } };
  }

  /** An index, or the bounds of a slice. */
  #subscribed(): Expression | [Expression?, Expression?, Expression?] {
    const ends = () => this.#operator("]") || this.#operator(",") || this.#operator(":");
    let first: Expression | undefined;
    if (!this.#operator(":")) {
      first = this.#expression();
      if (!this.#operator(":")) return first;
    }
    this.#next();
    const second = ends() ? undefined : this.#expression();
    const third = this.#take("operator", ":") && !ends() ? this.#expression() : undefined;
    return [first, second, third];
  }

  #arguments(): Arguments {
    this.#expect("operator", "(");
    const positional: Expression[] = [];
    const keywords: [string, Expression][] = [];
    let spread: Expression | undefined;
    let keywordSpread: Expression | undefined;
    let comma = false;
    const check = (right: boolean) =>
      right || fail(`a call's arguments are malformed, in line ${this.#token.line}`);
    while (!this.#operator(")")) {
      if (comma) {
        this.#expect("operator", ",");
        if (this.#operator(")")) break;
      }
      comma = true;
      if (this.#take("operator", "*")) {
        check(!spread && !keywordSpread);
        spread = this.#expression();
      } else if (this.#take("operator", "**")) {
        check(!keywordSpread);
        keywordSpread = this.#expression();
      } else if (this.#is("name") && this.#is("operator", "=", 1)) {
        check(!keywordSpread);
        const { value: name } = this.#next();
        this.#next();
        keywords.push([name, this.#expression()]);
      } else {
        check(!spread && !keywordSpread && keywords.length === 0);
        positional.push(this.#expression());
      }
    }
    this.#next();
    return { positional, keywords, spread, keywordSpread };
  }

  /** Filters one after another, as what they make of a value; `inline` says that the first has no "|". */
  #filters(inline: boolean): ((of: Expression) => Expression) | undefined {
    const all: ((of: Expression) => Expression)[] = [];
    while (inline || this.#take("operator", "|")) {
      inline = false;
      let name = this.#expect("name").value;
      while (this.#take("operator", ".")) name += `.${this.#expect("name").value}`;
      const args = this.#operator("(") ? this.#arguments() : NO_ARGUMENTS;
      all.push((of) => ({ type: "filter", of, name, args }));
    }
    return all.length === 0 ? undefined : (of) => all.reduce((node, filter) => filter(node), of);
  }

  #test(of: Expression): Expression {
    const { line } = this.#next();
    const negated = this.#take("name", "not");
    let name = this.#expect("name").value;
    while (this.#take("operator", ".")) name += `.${this.#expect("name").value}`;
    let args = NO_ARGUMENTS;
    const { type, value } = this.#token;
    if (this.#operator("(")) args = this.#arguments();
    else if (
      type === "string" || type === "integer" || type === "float" || this.#operator("[") ||
      this.#operator("{") ||
      (type === "name" && !["else", "or", "and"].includes(value))
    ) {
      if (type === "name" && value === "is") fail(`tests cannot be chained with "is", in line ${line}`);
      args = { positional: [this.#postfix(this.#primary())], keywords: [] };
    }
    const test: Expression = { type: "test", of, name, args };
    return negated ? { type: "not", of: test } : test;
  }
}

/**
 * The tree of a template.
 *
 * @throws {TemplateError} when it is malformed or uses a statement that is not supported.
 */
export function parse(source: string): Statement[] {
  return new Parser(tokenize(source)).template();
}
