/**
 * SentencePiece's BPE as merges.
 *
 * @module
 */

/** A piece of a SentencePiece vocabulary. */
export interface Piece {
  readonly text: string;
  readonly score: number;
  /** Whether it is a text and no special token or byte: only such are merged. */
  readonly normal: boolean;
}

/**
 * The pairs that make pieces of pieces: the better the piece's score, the earlier; of equal scores the lower id, then the
 * shorter left part's. Only lengths that some piece has are tried, so that one endless piece costs no more than its letters.
 */
export function scoreMerges(pieces: readonly Piece[]): [string, string][] {
  const ids = new Map<string, number>();
  const lengths = new Set<number>();
  for (const [id, { text, normal }] of pieces.entries()) {
    if (!normal || text === "" || ids.has(text)) continue;
    ids.set(text, id);
    lengths.add(text.length);
  }
  const ascending = Uint32Array.from(lengths).sort();
  const merges: { pair: [string, string]; score: number; id: number }[] = [];
  for (const [text, id] of ids) {
    const { score } = pieces[id]!;
    for (const length of ascending) {
      if (length >= text.length) break;
      if (!lengths.has(text.length - length)) continue;
      const left = text.slice(0, length);
      if (!ids.has(left)) continue;
      const right = text.slice(length);
      if (ids.has(right)) merges.push({ pair: [left, right], score, id });
    }
  }
  // Sorting is stable: a piece's pairs stay in the order of their left parts' lengths.
  merges.sort((a, b) => b.score - a.score || a.id - b.id);
  return merges.map(({ pair }) => pair);
}
