/**
 * What a template's tree does.
 *
 * @module
 */
import { binary } from "./arithmetic.ts";
import type { Budget } from "./budget.ts";
import { fail } from "./errors.ts";
import { applyFilter, type FilterContext } from "./filters.ts";
import { setMember } from "./globals.ts";
import { itemOf, methodOf } from "./methods.ts";
import type { Arguments, Expression, Signature, Statement, Target } from "./nodes.ts";
import { contains, passes } from "./predicates.ts";
import { slice } from "./text.ts";
import {
  Callable,
  compare,
  Dict,
  equal,
  isNumber,
  items,
  Namespace,
  numeric,
  Range,
  sizeOf,
  text,
  Thing,
  truth,
  Tuple,
  typeName,
  Undefined,
  type Value,
} from "./values.ts";

/** Variables, and those around them. */
class Scope {
  readonly #values = new Map<string, Value>();
  readonly #around: Scope | undefined;

  constructor(around?: Scope) {
    this.#around = around;
  }

  get(name: string): Value | undefined {
    // deno-lint-ignore no-this-alias -- scopes are walked from the inside out.
    for (let scope: Scope | undefined = this; scope; scope = scope.#around) {
      const value = scope.#values.get(name);
      if (value !== undefined) return value;
    }
    return undefined;
  }

  set(name: string, value: Value): void {
    this.#values.set(name, value);
  }
}

/** How statements end: at their end, or at a loop's. */
type Ended = "break" | "continue" | undefined;

type For = Statement & { type: "for" };

/** Runs a template. */
export class Interpreter {
  readonly #budget: Budget;
  readonly #globals: ReadonlyMap<string, Value>;
  readonly #context: FilterContext;

  constructor(budget: Budget, globals: ReadonlyMap<string, Value>) {
    this.#budget = budget;
    this.#globals = globals;
    this.#context = {
      budget,
      attribute: (of, name) => this.#attribute(of, name),
      item: (of, at) => this.#item(of, at),
    };
  }

  /** The text that a template makes. */
  run(body: readonly Statement[], variables: ReadonlyMap<string, Value>): string {
    const scope = new Scope();
    for (const [name, value] of this.#globals) scope.set(name, value);
    for (const [name, value] of variables) scope.set(name, value);
    return this.#render(body, new Scope(scope));
  }

  #render(body: readonly Statement[], scope: Scope): string {
    const out: string[] = [];
    this.#all(body, scope, out);
    return this.#budget.text(out.join(""));
  }

  #all(body: readonly Statement[], scope: Scope, out: string[]): Ended {
    for (const statement of body) {
      const ended = this.#run(statement, scope, out);
      if (ended) return ended;
    }
  }

  #print(piece: string, out: string[]): void {
    this.#budget.room(piece.length);
    out.push(piece);
  }

  #run(statement: Statement, scope: Scope, out: string[]): Ended {
    this.#budget.step();
    switch (statement.type) {
      case "text":
        this.#print(statement.text, out);
        return;
      case "print":
        this.#print(text(this.#value(statement.value, scope), this.#budget), out);
        return;
      case "if":
        for (const { test, body } of statement.branches) {
          if (truth(this.#value(test, scope))) return this.#all(body, scope, out);
        }
        return this.#all(statement.otherwise, scope, out);
      case "for":
        this.#for(statement, { scope, out, depth: 0, of: this.#value(statement.of, scope) });
        return;
      case "set":
        this.#assign(statement.target, this.#value(statement.value, scope), scope);
        return;
      case "set_block": {
        let value: Expression = { type: "constant", value: this.#render(statement.body, new Scope(scope)) };
        if (statement.filter) value = statement.filter(value);
        this.#assign(statement.target, this.#value(value, scope), scope);
        return;
      }
      case "with": {
        const inner = new Scope(scope);
        const values = statement.assignments.map(([, value]) => this.#value(value, scope));
        for (const [i, [target]] of statement.assignments.entries()) this.#assign(target, values[i]!, inner);
        return this.#all(statement.body, inner, out);
      }
      case "scope":
        this.#print(this.#render(statement.body, new Scope(scope)), out);
        return;
      case "filter_block": {
        const body = this.#render(statement.body, new Scope(scope));
        const value = this.#value(statement.filter({ type: "constant", value: body }), scope);
        this.#print(text(value, this.#budget), out);
        return;
      }
      case "macro": {
        const { name, signature, body } = statement;
        scope.set(name, this.#macro(name, { signature, body, scope }));
        return;
      }
      case "call_block": {
        const { signature, body, call } = statement;
        const caller = this.#macro("caller", { signature, body, scope });
        this.#print(text(this.#call(call, scope, caller), this.#budget), out);
        return;
      }
      case "break":
      case "continue":
        return statement.type;
    }
  }

  #assign(target: Target, value: Value, scope: Scope): void {
    if (target.type === "name") scope.set(target.name, value);
    else if (target.type === "member") {
      const of = scope.get(target.of);
      if (!(of instanceof Namespace)) {
        fail(`cannot set an attribute of "${target.of}", which is no namespace`);
      }
      setMember(of as Namespace, target.name, value);
    } else {
      const all = items(value, this.#budget);
      if (value instanceof Undefined) fail(value.hint);
      if (all.length !== target.items.length) {
        fail(`cannot assign ${all.length} values to ${target.items.length} variables`);
      }
      for (const [i, one] of target.items.entries()) this.#assign(one, all[i]!, scope);
    }
  }

  #for(
    loop: For,
    { scope, out, depth, of }: { scope: Scope; out: string[]; depth: number; of: Value },
  ): void {
    let all = items(of, this.#budget);
    const { test, target } = loop;
    if (test) {
      all = all.filter((item) => {
        const inner = new Scope(scope);
        inner.set("loop", new Undefined("'loop' is undefined"));
        this.#assign(target, item, inner);
        return truth(this.#value(test, inner));
      });
    }
    if (all.length === 0) {
      this.#all(loop.otherwise, new Scope(scope), out);
      return;
    }
    let changed: Value[] | undefined;
    let at = 0;
    const hasChanged = new Callable("changed", (args) => {
      const same = changed !== undefined && equal(args, changed, this.#budget);
      changed = args;
      return !same;
    });
    const cycle = new Callable("cycle", (args) => {
      return args.length > 0 ? args[at % args.length]! : fail("cycle() needs at least one value");
    });
    const whole = (value: number) => BigInt(value);
    const attributes: Readonly<Record<string, () => Value>> = {
      index: () => whole(at + 1),
      index0: () => whole(at),
      revindex: () => whole(all.length - at),
      revindex0: () => whole(all.length - at - 1),
      first: () => at === 0,
      last: () => at === all.length - 1,
      length: () => whole(all.length),
      depth: () => whole(depth + 1),
      depth0: () => whole(depth),
      previtem: () => orMissing(all[at - 1], () => "there is no previous item"),
      nextitem: () => orMissing(all[at + 1], () => "there is no next item"),
      cycle: () => cycle,
      changed: () => hasChanged,
    };
    const inside = new Thing(
      "LoopContext",
      (name) => Object.hasOwn(attributes, name) ? attributes[name]!() : undefined,
      loop.recursive
        ? ([of]) =>
          this.#budget.call(() => {
            if (of === undefined) fail("a recursive loop needs something to iterate over");
            const inner: string[] = [];
            this.#for(loop, { scope, out: inner, depth: depth + 1, of: of! });
            return this.#budget.text(inner.join(""));
          })
        : undefined,
    );
    for (; at < all.length; at++) {
      this.#budget.step();
      const inner = new Scope(scope);
      inner.set("loop", inside);
      this.#assign(target, all[at]!, inner);
      if (this.#all(loop.body, inner, out) === "break") return;
    }
  }

  #macro(name: string, of: { signature: Signature; body: readonly Statement[]; scope: Scope }): Callable {
    const { signature, body } = of;
    const { parameters } = signature;
    return new Callable(name, (args, kwargs) =>
      this.#budget.call(() => {
        const scope = new Scope(of.scope);
        const left = new Map(kwargs);
        const missing = [];
        for (const [i, { name: parameter, otherwise }] of parameters.entries()) {
          const value = i < args.length ? args[i] : left.get(parameter);
          if (i < args.length && left.has(parameter)) {
            fail(`the macro "${name}" got its argument "${parameter}" twice`);
          }
          left.delete(parameter);
          scope.set(parameter, orMissing(value, () => `parameter '${parameter}' was not provided`));
          if (value === undefined && otherwise) missing.push({ parameter, otherwise });
        }
        if (signature.caller || left.has("caller")) {
          const caller = left.get("caller");
          left.delete("caller");
          scope.set("caller", caller ?? new Undefined("No caller defined"));
        }
        const more = args.slice(parameters.length);
        if (signature.varargs) scope.set("varargs", new Tuple(more));
        else if (more.length > 0) fail(`the macro "${name}" takes at most ${parameters.length} arguments`);
        if (signature.kwargs) scope.set("kwargs", Dict.of(left));
        else if (left.size > 0) fail(`the macro "${name}" takes no argument "${[...left.keys()][0]}"`);
        for (const { parameter, otherwise } of missing) scope.set(parameter, this.#value(otherwise, scope));
        return this.#render(body, scope);
      }), { name });
  }

  #value(node: Expression, scope: Scope): Value {
    this.#budget.step();
    const budget = this.#budget;
    switch (node.type) {
      case "constant":
        return node.value;
      case "name":
        return orMissing(scope.get(node.name), () => `'${node.name}' is undefined`);
      case "list":
        return node.items.map((item) => this.#value(item, scope));
      case "tuple":
        return new Tuple(node.items.map((item) => this.#value(item, scope)));
      case "dict":
        return Dict.of(
          node.items.map(([key, value]) => [this.#value(key, scope), this.#value(value, scope)]),
        );
      case "attribute":
        return this.#attribute(this.#value(node.of, scope), node.name);
      case "item":
        return this.#item(this.#value(node.of, scope), this.#value(node.at, scope));
      case "slice":
        return this.#slice(
          this.#value(node.of, scope),
          node.bounds.map((bound) => bound && this.#value(bound, scope)),
        );
      case "call":
        return this.#call(node, scope);
      case "filter":
        return applyFilter(
          node.name,
          this.#value(node.of, scope),
          this.#arguments(node.args, scope),
          this.#context,
        );
      case "test": {
        const value = this.#value(node.of, scope);
        return passes(node.name, value, { ...this.#arguments(node.args, scope), budget });
      }
      case "not":
        return !truth(this.#value(node.of, scope));
      case "negative":
      case "positive": {
        const value = this.#value(node.of, scope);
        if (value instanceof Undefined) fail(value.hint);
        if (!isNumber(value)) fail(`a ${typeName(value)} has no sign`);
        const of = numeric(value as bigint);
        return node.type === "negative" ? -of : of;
      }
      case "and": {
        const left = this.#value(node.left, scope);
        return truth(left) ? this.#value(node.right, scope) : left;
      }
      case "or": {
        const left = this.#value(node.left, scope);
        return truth(left) ? left : this.#value(node.right, scope);
      }
      case "binary": {
        const left = this.#value(node.left, scope);
        return binary(node.operator, left, { right: this.#value(node.right, scope), budget });
      }
      case "compare": {
        let left = this.#value(node.first, scope);
        for (const { operator, value } of node.rest) {
          const right = this.#value(value, scope);
          if (!this.#compares(operator, left, right)) return false;
          left = right;
        }
        return true;
      }
      case "concat":
        return budget.text(node.items.map((item) => text(this.#value(item, scope), budget)).join(""));
      case "condition":
        if (truth(this.#value(node.test, scope))) return this.#value(node.then, scope);
        return node.otherwise
          ? this.#value(node.otherwise, scope)
          : new Undefined("an inline if without else is false");
    }
  }

  #compares(operator: string, left: Value, right: Value): boolean {
    switch (operator) {
      case "==":
        return equal(left, right, this.#budget);
      case "!=":
        return !equal(left, right, this.#budget);
      case "in":
        return contains(right, left, this.#budget);
      case "not in":
        return !contains(right, left, this.#budget);
    }
    const order = compare(left, right, this.#budget);
    return operator === "<"
      ? order < 0
      : operator === ">"
      ? order > 0
      : operator === "<="
      ? order <= 0
      : order >= 0;
  }

  #call(node: Expression & { type: "call" }, scope: Scope, caller?: Value): Value {
    const callee = this.#value(node.callee, scope);
    const { args, kwargs } = this.#arguments(node.args, scope);
    if (caller !== undefined) kwargs.set("caller", caller);
    if (callee instanceof Undefined) fail(callee.hint);
    if (callee instanceof Callable) return callee.call(args, kwargs);
    if (callee instanceof Thing && callee.call) return callee.call(args, kwargs);
    return fail(`a ${typeName(callee)} cannot be called`);
  }

  #arguments(given: Arguments, scope: Scope): { args: Value[]; kwargs: Map<string, Value> } {
    const args = given.positional.map((one) => this.#value(one, scope));
    if (given.spread) args.push(...items(this.#value(given.spread, scope), this.#budget).slice(0, 1 << 16));
    const kwargs = new Map<string, Value>();
    for (const [name, value] of given.keywords) {
      if (kwargs.has(name)) fail(`the argument "${name}" is given twice`);
      kwargs.set(name, this.#value(value, scope));
    }
    if (given.keywordSpread) {
      const more = this.#value(given.keywordSpread, scope);
      if (!(more instanceof Dict)) fail("what follows ** must be a mapping");
      for (const [name, value] of (more as Dict).entries()) {
        if (typeof name !== "string" || kwargs.has(name)) {
          fail("what follows ** has an argument that is given, or no text");
        }
        kwargs.set(name as string, value);
      }
    }
    return { args, kwargs };
  }

  /** `of.name`: an attribute, else an item. */
  #attribute(of: Value, name: string): Value {
    if (of instanceof Undefined) fail(of.hint);
    const found = this.#own(of, name);
    if (found !== undefined) return found;
    const item = of instanceof Dict ? of.get(name) : undefined;
    return orMissing(item, () => missing(of, name));
  }

  /** `of[at]`: an item, else an attribute. */
  #item(of: Value, at: Value): Value {
    if (of instanceof Undefined) fail(of.hint);
    if (of instanceof Dict) {
      if (at === null || typeof at !== "object" || at instanceof Tuple) {
        const item = of.get(at);
        if (item !== undefined) return item;
      }
    } else if (typeof at === "bigint" || typeof at === "boolean") {
      const place = Number(at);
      const item = of instanceof Range ? this.#inRange(of, place) : itemOf(of, place);
      if (item !== undefined) return item;
    }
    return orMissing(typeof at === "string" ? this.#own(of, at) : undefined, () => missing(of, at));
  }

  #inRange(of: Range, place: number): Value | undefined {
    const at = place < 0 ? place + of.length : place;
    return at >= 0 && at < of.length ? of.at(at) : undefined;
  }

  /** A value's attribute; undefined where it has none of that name. */
  #own(of: Value, name: string): Value | undefined {
    if (name.startsWith("_")) return undefined;
    if (of instanceof Namespace) return of.values.get(name);
    if (of instanceof Thing) return of.attribute(name);
    if (of instanceof Callable) return of.attributes[name];
    if (of instanceof Tuple && of.names.includes(name)) return of.items[of.names.indexOf(name)];
    return methodOf(of, name, this.#budget);
  }

  #slice(of: Value, bounds: readonly (Value | undefined)[]): Value {
    if (of instanceof Undefined) fail(of.hint);
    const size = sizeOf(of);
    if (size === undefined || of instanceof Dict) return new Undefined(missing(of, "slice"));
    const [from, to, step] = bounds.map((bound) => {
      if (bound === undefined || bound === null) return undefined;
      if (bound instanceof Undefined) fail(bound.hint);
      if (typeof bound !== "bigint" && typeof bound !== "boolean") {
        fail("a slice's bounds must be whole numbers");
      }
      return Number(bound);
    });
    const by = step ?? 1;
    if (by === 0) fail("a slice's step must not be 0");
    const clip = (at: number, [least, most]: [number, number]) =>
      Math.min(Math.max(at < 0 ? at + size : at, least), most);
    const limits: [number, number] = by > 0 ? [0, size] : [-1, size - 1];
    const start = from === undefined ? by > 0 ? 0 : size - 1 : clip(from, limits);
    const stop = to === undefined ? by > 0 ? size : -1 : clip(to, limits);
    this.#budget.step(size / 16);
    if (typeof of === "string" && by === 1) return slice(of, start, Math.max(start, stop));
    const all = items(of, this.#budget);
    const kept: Value[] = [];
    for (let at = start; by > 0 ? at < stop : at > stop; at += by) kept.push(all[at]!);
    return typeof of === "string" ? kept.join("") : of instanceof Tuple ? new Tuple(kept) : kept;
  }
}

/** A value, which may be null, or what says that there is none. */
function orMissing(value: Value | undefined, hint: () => string): Value {
  return value === undefined ? new Undefined(hint()) : value;
}

/** Says that a value has no such attribute or item. */
function missing(of: Value, name: Value): string {
  const shown = typeof name === "string" ? `'${name}'` : String(name);
  return `'${typeName(of)} object' has no attribute ${shown}`;
}
