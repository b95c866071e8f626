import 'fake-indexeddb/auto';
import { describe, expect, it } from 'vitest';
import type { RoundRecord } from './events.ts';
import { openPageDatabase } from './page-database.ts';
import { RoundHistory } from './round-history.ts';

function record(round: number): RoundRecord {
  return {
    round,
    reward: 0.5,
    heldOutAccuracy: 0.4,
    loss: 0.1,
    checkpointRoot: `0x${'ab'.repeat(32)}`,
    computedAt: round * 20_000,
    sent: false,
    acceptedBy: 0,
  };
}

describe('round history', () => {
  it('starts empty', async () => {
    const history = new RoundHistory(await openPageDatabase('history-empty'), '0x01');
    expect(await history.load(10)).toEqual({
      records: [],
      totals: { computed: 0, sent: 0, accepted: 0, onChain: 0 },
    });
  });

  it('gives back the latest rounds oldest first, with the totals of all', async () => {
    const history = new RoundHistory(await openPageDatabase('history-latest'), '0x01');
    for (const round of [3, 1, 2, 10]) {
      await history.save(record(round), { computed: round, sent: 0, accepted: 0, onChain: 0 });
    }
    const { records, totals } = await history.load(3);
    expect(records).toEqual([record(2), record(3), record(10)]);
    expect(totals.computed).toBe(10);
  });

  it('keeps devices apart and overwrites a round that is saved again', async () => {
    const database = await openPageDatabase('history-devices');
    const mine = new RoundHistory(database, '0x01');
    const other = new RoundHistory(database, '0x02');
    await other.save(record(1), { computed: 7, sent: 7, accepted: 7, onChain: 7 });
    await mine.save(record(1), { computed: 1, sent: 0, accepted: 0, onChain: 0 });
    await mine.save({ ...record(1), sent: true }, { computed: 1, sent: 1, accepted: 0, onChain: 0 });
    expect(await mine.load(10)).toEqual({
      records: [{ ...record(1), sent: true }],
      totals: { computed: 1, sent: 1, accepted: 0, onChain: 0 },
    });
  });
});
