import { describe, expect, it } from 'vitest';
import type { SwarmRecord } from '../../chain/swarms.ts';
import { must } from '../../protocol/must.ts';
import { fullSpec, smallSpec } from '../../protocol/testing/sample-swarm-specs.ts';
import { BUILTIN_MODELS } from '../../training/builtin-models.ts';
import { NANO_SELECTION } from '../../training/tasks/catalogue.ts';
import { whyNotHere } from '../volunteer/why-not-here.ts';
import { SwarmWatch } from './swarm-watch.ts';

const { name, root } = must(BUILTIN_MODELS, 0);
const own = { ...smallSpec, base: { kind: 'builtin', name, root }, tasks: NANO_SELECTION } as const;
const record = (id: number, published: SwarmRecord['published']): SwarmRecord => ({
  ...{ id, cid: 'cid', digest: '0x00', starter: `0x${'a1'.repeat(20)}`, openedIn: 1n, published },
  schedule: {
    genesis: 1_000,
    seconds: { answer: 8, critique: 5, vote: 7 },
    genesisSeed: `0x${'00'.repeat(32)}`,
  },
});

const CHAIN = [
  record(0, { kind: 'readable', spec: own }),
  record(1, { kind: 'readable', spec: fullSpec }),
  record(2, { kind: 'unusable', sentence: 'The specification is not readable.' }),
];

function watching(newest: number) {
  const watch = new SwarmWatch({
    reader: {
      list: async (most) => [...CHAIN].reverse().slice(0, Math.min(newest, most)),
      read: async (id) => CHAIN[id],
      members: async (swarms) => new Map(swarms.map(({ id }) => [id, id + 3])),
      now: async () => 1_045_000,
    },
    whyNotHere: (spec) => whyNotHere(spec, { deviceMemory: 8, ownModel: false }),
    heldOut: (id) => (id === 0 ? [{ round: 1, accuracy: 0.5, members: 2 }] : []),
    pollMs: 1,
  });
  return watch;
}

describe('looks at the swarms of a chain', () => {
  it('show who is at work, the round, published figures, and why a device cannot take part', async () => {
    const watch = watching(3);
    watch.start();
    await expect.poll(() => watch.store.getState().swarms?.length).toBe(3);
    const [unusable, foreign, first] = watch.store.getState().swarms ?? [];
    expect(first).toMatchObject({ id: 0, problem: null, members: 3, round: 2, openedAt: 1_000 });
    expect(first?.heldOut).toEqual([{ round: 1, accuracy: 0.5, members: 2 }]);
    expect(foreign?.problem).toMatch(/^This program|^A tab|^The task/);
    expect(unusable).toMatchObject({ spec: null, problem: 'The specification is not readable.' });
    await watch.stop();
  });

  it('show a followed swarm beside the newest, and say that there are older ones', async () => {
    const watch = watching(1);
    watch.start();
    await expect.poll(() => watch.store.getState().swarms?.map(({ id }) => id)).toEqual([2]);
    expect(watch.store.getState().hasOlder).toBe(true);
    watch.follow(0);
    await expect.poll(() => watch.store.getState().swarms?.map(({ id }) => id)).toEqual([2, 0]);
    await watch.stop();
  });
});
