/**
 * What goes wrong with a template.
 *
 * @module
 */
import { Any4Error } from "../errors.ts";

/** A template is malformed, fails, asks for what is not supported, or costs more than it may. */
export class TemplateError extends Any4Error {}

/** Throws a {@linkcode TemplateError}. */
export function fail(message: string): never {
  throw new TemplateError(message);
}
