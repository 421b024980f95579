/**
 * A template as a tree.
 *
 * @module
 */
import type { Value } from "./values.ts";

/** What a call passes. */
export interface Arguments {
  readonly positional: readonly Expression[];
  readonly keywords: readonly (readonly [string, Expression])[];
  /** `*list` */
  readonly spread?: Expression;
  /** `**mapping` */
  readonly keywordSpread?: Expression;
}

/** What has a value. */
export type Expression =
  | { readonly type: "constant"; readonly value: Value }
  | { readonly type: "name"; readonly name: string }
  | { readonly type: "list" | "tuple"; readonly items: readonly Expression[] }
  | { readonly type: "dict"; readonly items: readonly (readonly [Expression, Expression])[] }
  | { readonly type: "attribute"; readonly of: Expression; readonly name: string }
  | { readonly type: "item"; readonly of: Expression; readonly at: Expression }
  | {
    readonly type: "slice";
    readonly of: Expression;
    readonly bounds: readonly [Expression?, Expression?, Expression?];
  }
  | { readonly type: "call"; readonly callee: Expression; readonly args: Arguments }
  | { readonly type: "filter"; readonly of: Expression; readonly name: string; readonly args: Arguments }
  | { readonly type: "test"; readonly of: Expression; readonly name: string; readonly args: Arguments }
  | { readonly type: "not" | "negative" | "positive"; readonly of: Expression }
  | { readonly type: "and" | "or"; readonly left: Expression; readonly right: Expression }
  | {
    readonly type: "binary";
    readonly operator: string;
    readonly left: Expression;
    readonly right: Expression;
  }
  | {
    readonly type: "compare";
    readonly first: Expression;
    readonly rest: readonly { readonly operator: string; readonly value: Expression }[];
  }
  | { readonly type: "concat"; readonly items: readonly Expression[] }
  | {
    readonly type: "condition";
    readonly test: Expression;
    readonly then: Expression;
    readonly otherwise?: Expression;
  };

/** What can be assigned to. */
export type Target =
  | { readonly type: "name"; readonly name: string }
  | { readonly type: "member"; readonly of: string; readonly name: string }
  | { readonly type: "tuple"; readonly items: readonly Target[] };

/** A macro's parameter. */
export interface Parameter {
  readonly name: string;
  readonly otherwise?: Expression;
}

/** A macro's or a call block's parameters, and whether its body names the arguments that have none. */
export interface Signature {
  readonly parameters: readonly Parameter[];
  readonly varargs: boolean;
  readonly kwargs: boolean;
  readonly caller: boolean;
}

/** What does something. */
export type Statement =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "print"; readonly value: Expression }
  | {
    readonly type: "if";
    readonly branches: readonly { readonly test: Expression; readonly body: readonly Statement[] }[];
    readonly otherwise: readonly Statement[];
  }
  | {
    readonly type: "for";
    readonly target: Target;
    readonly of: Expression;
    readonly test?: Expression;
    readonly recursive: boolean;
    readonly body: readonly Statement[];
    readonly otherwise: readonly Statement[];
  }
  | { readonly type: "set"; readonly target: Target; readonly value: Expression }
  | {
    readonly type: "set_block";
    readonly target: Target;
    readonly filter?: (of: Expression) => Expression;
    readonly body: readonly Statement[];
  }
  | {
    readonly type: "with";
    readonly assignments: readonly (readonly [Target, Expression])[];
    readonly body: readonly Statement[];
  }
  | {
    readonly type: "macro";
    readonly name: string;
    readonly signature: Signature;
    readonly body: readonly Statement[];
  }
  | {
    readonly type: "call_block";
    readonly call: Expression & { readonly type: "call" };
    readonly signature: Signature;
    readonly body: readonly Statement[];
  }
  | {
    readonly type: "filter_block";
    readonly filter: (of: Expression) => Expression;
    readonly body: readonly Statement[];
  }
  | { readonly type: "scope"; readonly body: readonly Statement[] }
  | { readonly type: "break" | "continue" };
