import 'fake-indexeddb/auto';
import { describe, expect, it } from 'vitest';
import { DeviceRecords } from './device-records.ts';
import { openPageDatabase } from './page-database.ts';
import type { RoundRecord } from './volunteer-events.ts';

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

const NETWORK = '31337:0xe7f1';
const ONE = { computed: 1, sent: 0, accepted: 0, onChain: 0 };

describe('device records', () => {
  it('start empty', async () => {
    const kept = new DeviceRecords(await openPageDatabase('records-empty'), NETWORK, '0x01');
    expect(await kept.load(10)).toEqual({
      records: [],
      totals: { computed: 0, sent: 0, accepted: 0, onChain: 0 },
      beginning: null,
      delegation: null,
    });
  });

  it('give back the latest rounds oldest first, with the totals of all', async () => {
    const kept = new DeviceRecords(await openPageDatabase('records-latest'), NETWORK, '0x01');
    for (const round of [3, 1, 2, 10]) await kept.saveRound(record(round), { ...ONE, computed: round });
    const { records, totals } = await kept.load(3);
    expect(records).toEqual([record(2), record(3), record(10)]);
    expect(totals.computed).toBe(10);
  });

  it('keep devices and runs apart, and overwrite a round that is saved again', async () => {
    const database = await openPageDatabase('records-scopes');
    const mine = new DeviceRecords(database, NETWORK, '0x01');
    for (const other of [
      new DeviceRecords(database, NETWORK, '0x02'),
      new DeviceRecords(database, '1:0xe7f1', '0x01'),
    ]) {
      await other.saveRound(record(1), { computed: 7, sent: 7, accepted: 7, onChain: 7 });
      await other.saveBeginning({ round: -1, heldOutAccuracy: 0.9, samples: [] });
    }
    await mine.saveRound(record(1), ONE);
    await mine.saveRound({ ...record(1), sent: true }, { ...ONE, sent: 1 });
    expect(await mine.load(10)).toEqual({
      records: [{ ...record(1), sent: true }],
      totals: { ...ONE, sent: 1 },
      beginning: null,
      delegation: null,
    });
  });

  it('keep how the model began', async () => {
    const database = await openPageDatabase('records-beginning');
    const report = {
      round: -1,
      heldOutAccuracy: 0.33,
      samples: [{ prompt: '2+7', expected: '9', text: '11' }],
    };
    await new DeviceRecords(database, NETWORK, '0x01').saveBeginning(report);
    expect((await new DeviceRecords(database, NETWORK, '0x01').load(10)).beginning).toEqual(report);
  });
});
