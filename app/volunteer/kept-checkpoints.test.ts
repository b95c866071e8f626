import { expect, it } from 'vitest';
import { StorageError } from '../../models/storage/directory.ts';
import { openMemoryDirectory } from '../../models/storage/memory-directory.ts';
import { openCheckpointRetention } from '../../training/checkpoint-retention.ts';
import { openKeptHere, reportKept, type ShownKept } from './kept-checkpoints.ts';

const rootOf = (round: number) => `0x${round.toString(16).padStart(64, '0')}` as const;

it('[P-122] reads what the worker keeps, and says how much that may become', async () => {
  const directory = openMemoryDirectory();
  const write = (policy: { readonly every: number; readonly quota: number }, round: number) =>
    openCheckpointRetention({ directory, policy }).add({
      ...{ round, root: rootOf(round), file: new Uint8Array(100).fill(round) },
    });
  const open = (estimate?: StorageEstimate) =>
    openKeptHere({ directory: async () => directory, estimate: async () => estimate });
  const shown: ShownKept[] = [];
  const emit = ({ kept }: { readonly kept: ShownKept }) => shown.push(kept);

  const here = await open({ quota: 1000, usage: 400 });
  if (here === null) throw new Error('There is a folder.');
  await write(here.policy, 1);
  await write(here.policy, 2);
  await reportKept(here, emit);
  expect(shown).toEqual([{ checkpoints: 2, bytes: 200, policy: { every: 10, quota: 300 } }]);
  expect(await here.list()).toMatchObject([{ root: rootOf(1) }, { root: rootOf(2) }]);
  expect(await here.read(rootOf(2), 98, 2)).toEqual(Uint8Array.of(2, 2));
  expect(await here.read(rootOf(3), 0, 2)).toBeUndefined();

  // The next visit of a fuller browser keeps less.
  const later = await open({ quota: 1000, usage: 900 });
  expect(later?.policy.quota).toBe(150);
  await write({ every: 10, quota: 150 }, 3);
  await reportKept(later, emit);
  expect(shown.at(-1)).toMatchObject({ checkpoints: 1, bytes: 100 });
});

it('keeps none where the browser gives the page no storage, and hides no other failure', async () => {
  const estimate = async () => undefined;
  const refused = () => Promise.reject(new StorageError('A private window.'));
  expect(await openKeptHere({ directory: refused, estimate })).toBeNull();
  await reportKept(null, () => {
    throw new Error('There is nothing to say.');
  });
  const broken = () => Promise.reject(new TypeError('A fault of ours.'));
  await expect(openKeptHere({ directory: broken, estimate })).rejects.toThrow('A fault of ours.');
});
