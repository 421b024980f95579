/**
 * Names of models on the Hugging Face Hub.
 *
 * @module
 */

/** The parts of a name: a repository, a revision, and perhaps a GGUF file. */
export interface ModelId {
  /** "org/name". */
  readonly repo: string;
  /** A branch, a tag or a commit; "main" when the name has none. */
  readonly revision: string;
  /** The path of a .gguf file in the repository. */
  readonly file?: string;
}

/** Letters, digits, "_", "-" and ".", which neither begin nor end with the last two. */
const PART = String.raw`(?![-.])[\w.-]{1,96}(?<![-.])`;
const ID = new RegExp(
  String.raw`^(?<repo>${PART}/${PART})(?:/(?<file>[^@]+\.gguf))?(?:@(?<revision>[^\s@]+))?$`,
);

/**
 * Reads "org/name", "org/name@revision" or "org/name/file.gguf"; undefined for what cannot be a name on the Hub.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * assertEquals(parseModelId("org/name@v1.0"), { repo: "org/name", revision: "v1.0" });
 * assertEquals(parseModelId("./org/name"), undefined);
 * ```
 */
export function parseModelId(name: string): ModelId | undefined {
  const groups = ID.exec(name)?.groups;
  if (!groups || /--|\.\.|\.git$/.test(groups.repo!)) return undefined;
  const { repo, file, revision = "main" } = groups;
  // Both become parts of paths and URLs.
  if ([file, revision].some((path) => path?.split("/").some((part) => /^\.{0,2}$/.test(part)))) {
    return undefined;
  }
  return { repo: repo!, revision, ...(file === undefined ? {} : { file }) };
}
