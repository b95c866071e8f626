/**
 * Tables of the vocabulary cut by rows, so that no device has to hold a whole one. After the rows of its
 * tokens a part has rows of zeros. The first of them stands for every token of another part: its lookup is
 * +0, and so is its logit, which the part's log-sum leaves out. docs/blocks.md has the rules [B-18], [B-19].
 */

export interface VocabularyPart {
  /** The lowest token of the part. */
  readonly first: number;
  /** Its number of tokens. */
  readonly tokens: number;
  /** Rows of its tables: those of its tokens, and those of zeros. */
  readonly rows: number;
}

/** A part has whole folds of rows, so that engines meet no odd lengths. */
const ROWS_UNIT = 64;
/** The logit of a row of zeros in a log-sum: the lowest finite value, whose exp is +0. */
const LOWEST = -3.4028234663852886e38;

/**
 * Cuts `vocabulary` tokens into `count` parts whose sizes differ by at most 1, the larger ones first. Throws
 * RangeError where a part would have no token.
 */
export function vocabularyParts(vocabulary: number, count: number): readonly VocabularyPart[] {
  if (!Number.isInteger(count) || count < 1 || count > vocabulary) {
    throw new RangeError(`${vocabulary} tokens make 1 to ${vocabulary} parts, not ${count}.`);
  }
  let first = 0;
  return Array.from({ length: count }, (_, k) => {
    const tokens = Math.ceil((vocabulary - k) / count);
    const part = { first, tokens, rows: Math.ceil((tokens + 1) / ROWS_UNIT) * ROWS_UNIT };
    first += tokens;
    return part;
  });
}

/** The name of a part of a table: `model.embed_tokens.weight[0:512]`. */
export function partName(table: string, { first, tokens }: VocabularyPart): string {
  return `${table}[${first}:${first + tokens}]`;
}

/** Tokens as a part knows them: its rows. Those of other parts are its first row of zeros. */
export function rowsOfTokens(ids: Uint32Array, { first, tokens }: VocabularyPart): Uint32Array {
  return ids.map((id) => (id >= first && id - first < tokens ? id - first : tokens));
}

/** What is added to a part's logits before their log-sum: +0 for its tokens, else the lowest value. */
export function absenceBias({ tokens, rows }: VocabularyPart): Float32Array {
  return new Float32Array(rows).fill(LOWEST, tokens);
}
