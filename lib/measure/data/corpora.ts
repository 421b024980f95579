/**
 * The texts of published perplexities, as the evaluations of GPTQ and any4 read them.
 *
 * @module
 */
import type { DataSource } from "./source.ts";

/** A text that perplexity is measured on. */
export interface Corpus extends DataSource {
  /** The column of the texts. */
  readonly column: string;
  /** Text between documents; "ids" joins their token ids instead; "drawn" draws windows from long documents. */
  readonly join: string;
  /** Documents that are read; all when absent. */
  readonly documents?: number;
  /** Windows at most; all when absent. */
  readonly windows?: number;
}

const WIKITEXT: DataSource = {
  local: ["wikitext-2-raw-test", "wikitext-2"],
  repo: "Salesforce/wikitext",
  config: "wikitext-2-raw-v1",
  split: "test",
};
const C4: DataSource = {
  local: ["c4-validation", "c4-sample", "c4"],
  repo: "allenai/c4",
  config: "en",
  split: "validation",
  file: "en/c4-validation.00000-of-00008.json.gz",
};
const PTB = { repo: "ptb-text-only/ptb_text_only", config: "penn_treebank", column: "sentence" };

/** The texts by name. "c4" and "ptb" are those of any4's tables; GPTQ's newer ones are "c4-new" and "ptb-new". */
export const corpora: ReadonlyMap<string, Corpus> = new Map<string, Corpus>([
  ["wikitext-2", { ...WIKITEXT, column: "text", join: "\n\n" }],
  ["c4", { ...C4, column: "text", join: "drawn", windows: 256 }],
  ["c4-new", { ...C4, column: "text", join: " ", documents: 1100, windows: 256 }],
  ["ptb", { ...PTB, local: ["ptb-validation", "ptb"], split: "validation", join: "\n\n" }],
  ["ptb-new", { ...PTB, local: ["ptb-test"], split: "test", join: " " }],
  ["codeparrot", {
    local: ["codeparrot-ds-valid", "codeparrot"],
    repo: "huggingface-course/codeparrot-ds-valid",
    split: "validation",
    column: "content",
    join: "ids",
    windows: 256,
  }],
]);
