/**
 * Kinds of repositories on the Hub.
 *
 * @module
 */

/** The kinds of repositories that are read. */
export type RepoKind = "model" | "dataset";

/** The path of a repository's page below the Hub's address. */
export function repoPath(repo: string, kind: RepoKind = "model"): string {
  return kind === "dataset" ? `datasets/${repo}` : repo;
}
