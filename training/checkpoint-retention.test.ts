import fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkpointRoot } from '../models/checkpoint/root.ts';
import { float32Tensor, serializeSafetensors } from '../models/checkpoint/safetensors.ts';
import { type Directory, StorageFullError } from '../models/storage/directory.ts';
import { openMemoryDirectory } from '../models/storage/memory-directory.ts';
import { type KeptCheckpoint, openCheckpointRetention, surplus } from './checkpoint-retention.ts';

const QUOTA = 1 << 20;

/** A file that is a checkpoint, other for each round. */
function checkpoint(round: number) {
  const tensors = new Map([['w', float32Tensor([8], new Float32Array(8).fill(round))]]);
  const file = serializeSafetensors({ tensors, metadata: new Map([['format', 'pt']]) });
  return { round, root: checkpointRoot(file), file };
}

async function keptAfter(rounds: number, every: number, quota: number) {
  const directory = openMemoryDirectory();
  const retention = openCheckpointRetention({ directory, policy: { every, quota } });
  for (let round = 1; round <= rounds; round++) expect(await retention.add(checkpoint(round))).toBe(true);
  return { directory, retention, rounds: (await retention.list()).map(({ round }) => round) };
}

test('the first, every k-th and the last checkpoint are kept, and come back by their roots', async () => {
  const { retention, rounds } = await keptAfter(23, 5, QUOTA);
  expect(rounds).toEqual([1, 5, 10, 15, 20, 23]);
  for (const round of rounds) {
    const { root, file } = checkpoint(round);
    expect(await retention.load(root)).toEqual(file);
  }
  expect(await retention.load(checkpoint(22).root)).toBeUndefined();
});

test('the quota deletes the oldest first, the first one after them, and never the last', async () => {
  const { file } = checkpoint(1);
  expect((await keptAfter(23, 5, 4 * file.length)).rounds).toEqual([1, 15, 20, 23]);
  expect((await keptAfter(23, 5, 2 * file.length)).rounds).toEqual([1, 23]);
  expect((await keptAfter(23, 5, file.length)).rounds).toEqual([23]);
  expect((await keptAfter(23, 5, 0)).rounds).toEqual([23]);
});

test('what is kept is within the quota or the last one, whatever there was', () => {
  const kept = fc.uniqueArray(fc.record({ round: fc.nat(200), bytes: fc.nat(1000) }), {
    selector: ({ round }) => round,
  });
  fc.assert(
    fc.property(kept, fc.integer({ min: 1, max: 20 }), fc.nat(5000), (rounds, every, quota) => {
      const all = rounds.map(({ round, bytes }): KeptCheckpoint => ({ round, bytes, root: '0x' }));
      const deleted = surplus(all, { every, quota });
      const rest = all.filter((each) => !deleted.includes(each));
      const last = Math.max(...all.map(({ round }) => round));
      if (all.length > 0) expect(rest.map(({ round }) => round)).toContain(last);
      const bytes = rest.reduce((sum, each) => sum + each.bytes, 0);
      expect(bytes <= quota || rest.length <= 1).toBe(true);
    }),
  );
});

test('another opening has the same checkpoints, without a part that a crash left', async () => {
  const { directory } = await keptAfter(12, 5, QUOTA);
  const { root, file } = checkpoint(10);
  const name = (await directory.list()).find((each) => each.endsWith(root.slice(2))) ?? '';
  await directory.write(name, [file.subarray(0, file.length - 4)]);
  const again = openCheckpointRetention({ directory, policy: { every: 5, quota: QUOTA } });
  expect(await again.load(root)).toBeUndefined();
  expect((await again.list()).map(({ round }) => round)).toEqual([1, 5, 12]);
});

test('a round that is trained again replaces its checkpoint', async () => {
  const { retention } = await keptAfter(3, 5, QUOTA);
  const other = { ...checkpoint(99), round: 3 };
  await retention.add(other);
  expect((await retention.list()).map(({ round, root }) => [round, root])).toEqual([
    [1, checkpoint(1).root],
    [3, other.root],
  ]);
});

test('a full disk costs the oldest checkpoints, never the round', async () => {
  const inner = openMemoryDirectory();
  let room = 3;
  const directory: Directory = {
    list: () => inner.list(),
    read: (name) => inner.read(name),
    readPart: (...part) => inner.readPart(...part),
    remove: (name) => inner.remove(name),
    write: async (name, parts) => {
      if ((await inner.list()).length >= room) throw new StorageFullError(1);
      await inner.write(name, parts);
    },
  };
  const retention = openCheckpointRetention({ directory, policy: { every: 1, quota: QUOTA } });
  for (let round = 1; round <= 6; round++) expect(await retention.add(checkpoint(round))).toBe(true);
  expect((await retention.list()).map(({ round }) => round)).toEqual([1, 5, 6]);
  room = 0;
  expect(await retention.add(checkpoint(7))).toBe(false);
});
