/** Public nodes answer a few thousand blocks of logs at a time. */
const BLOCKS_A_QUESTION = 2000n;

/** Asks for the logs of a range of blocks, both included, in pieces that a public node answers; all of them in the chain's order. */
export async function inPieces<Entry>(
  fromBlock: bigint,
  toBlock: bigint,
  ask: (range: { readonly fromBlock: bigint; readonly toBlock: bigint }) => Promise<readonly Entry[]>,
): Promise<Entry[]> {
  const found: Entry[] = [];
  for (let first = fromBlock; first <= toBlock; first += BLOCKS_A_QUESTION) {
    const last = first + BLOCKS_A_QUESTION - 1n;
    found.push(...(await ask({ fromBlock: first, toBlock: last < toBlock ? last : toBlock })));
  }
  return found;
}
