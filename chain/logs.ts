/** A range of blocks, both ends included. */
export interface BlockRange {
  readonly fromBlock: bigint;
  readonly toBlock: bigint;
}

/** The most blocks that public nodes search for logs in one request. */
const MOST_BLOCKS = 2000n;

/** A range of blocks in pieces that a public node answers, in the chain's order. */
export function* blockRanges(fromBlock: bigint, toBlock: bigint): Generator<BlockRange> {
  for (let first = fromBlock; first <= toBlock; first += MOST_BLOCKS) {
    const last = first + MOST_BLOCKS - 1n;
    yield { fromBlock: first, toBlock: last < toBlock ? last : toBlock };
  }
}

/** Asks for the logs of a range of blocks piece by piece. Resolves with all of them in the chain's order. */
export async function logsOfBlocks<Entry>(
  fromBlock: bigint,
  toBlock: bigint,
  ask: (range: BlockRange) => Promise<readonly Entry[]>,
): Promise<Entry[]> {
  const found: Entry[] = [];
  for (const range of blockRanges(fromBlock, toBlock)) found.push(...(await ask(range)));
  return found;
}
