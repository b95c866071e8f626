import { describe, expect, it } from 'vitest';
import { RunLog } from './run-log.ts';

const RUN = `0x${'77'.repeat(32)}` as const;
const OTHER = `0x${'78'.repeat(32)}` as const;

/** A log with one entry in each of so many blocks, and the blocks that were asked for. */
function logOf(blocks: number, mostEntries?: number) {
  let last = BigInt(blocks);
  const asked: (readonly [bigint, bigint])[] = [];
  const log = new RunLog<number>({
    blockNumber: async () => last,
    ask: async (_, { fromBlock, toBlock }) => {
      asked.push([fromBlock, toBlock]);
      const found: number[] = [];
      for (let block = fromBlock; block <= toBlock; block++) found.push(Number(block) % 9_000);
      return found;
    },
    keyOf: String,
    ...(mostEntries === undefined ? {} : { mostEntries }),
  });
  return { log, asked, mine: (count: number) => (last += BigInt(count)) };
}

describe('RunLog', () => {
  it('reads each block once for a run, but for the newest, which may be replaced', async () => {
    const { log, asked, mine } = logOf(3_000, 10_000);
    const first = await log.of(RUN);
    expect(first.entries).toHaveLength(3_001);
    expect(asked.map(([from]) => from)).toEqual([0n, 2_000n]);
    mine(10);
    asked.length = 0;
    expect((await log.of(RUN)).entries).toHaveLength(3_011);
    expect(asked).toEqual([[2_936n, 3_010n]]);
    asked.length = 0;
    await log.of(OTHER);
    expect(asked[0]).toEqual([0n, 1_999n]);
  });

  it('keeps no more than it may, and goes on where the caller is done with some', async () => {
    const { log, asked } = logOf(8_000, 3_000);
    const first = await log.of(RUN);
    expect(first).toMatchObject({ hasMore: true });
    expect(first.entries).toHaveLength(4_000);
    asked.length = 0;
    // Nothing is read as long as there is no room.
    expect((await log.of(RUN)).entries).toHaveLength(4_000);
    expect(asked).toEqual([]);
    const seen = new Set(first.entries);
    const second = await log.of(RUN, (entry) => seen.has(entry));
    expect(second.hasMore).toBe(true);
    expect(second.entries[0]).toBe(4_000);
    for (const entry of second.entries) seen.add(entry);
    const third = await log.of(RUN, (entry) => seen.has(entry));
    expect(third.hasMore).toBe(false);
    expect(third.entries.at(-1)).toBe(8_000);
  });
});
