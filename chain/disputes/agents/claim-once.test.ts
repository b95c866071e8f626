import { describe, expect, it } from 'vitest';
import type { Evidence, Slot } from '../../../protocol/evidence.ts';
import type { DisputesPort } from '../port.ts';
import { claimOnce } from './claim-once.ts';

const HASH = `0x${'00'.repeat(32)}` as const;

describe('claimOnce', () => {
  it('[V-43] claims nothing that the contract could not judge: the bond would be lost on time', async () => {
    const node = { op: 5, output: 0, length: 2 ** 23, attributes: [2 ** 23], lengths: [] };
    const slot: Slot = { kind: 3, place: 0, count: 0, name: '0x', node, inputs: [], names: [] };
    const compose: Slot = { ...slot, kind: 4, inputs: [0], names: [] };
    const evidence: Evidence = {
      terms: { program: HASH, data: HASH, initial: HASH, steps: 1, slots: 2, dataSlots: 0 },
      program: [slot, compose],
      slotNames: ['a', 'checkpoint'],
      dataRoots: [],
      stepRoots: async () => [HASH],
      trace: () => Promise.reject(new Error('not asked for')),
    };
    const asked: string[] = [];
    const port = new Proxy({} as DisputesPort, { get: (_, name) => asked.push(String(name)) });
    await expect(claimOnce(port, evidence)).rejects.toThrow(
      'could not be defended. Slot 0 has a tensor of 8388608',
    );
    expect(asked).toEqual([]);
  });
});
