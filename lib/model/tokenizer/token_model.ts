/**
 * What turns words into ids.
 *
 * @module
 */

/** A tokenizer's model: words to ids. */
export interface TokenModel {
  /** The ids of a word, which is not empty. */
  encode(word: string): readonly number[];
}
