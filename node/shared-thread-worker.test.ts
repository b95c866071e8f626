import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import type { HopWorker } from '../swarm/pipeline/held-blocks.ts';
import { sharedThreadWorker } from './shared-thread-worker.ts';

/** A worker whose hops end at once, as those of a model do that is much smaller than a turn of the loop. */
function quickWorker(): HopWorker & { hops: number } {
  const never = () => Promise.reject(new Error('Only hops are computed here.'));
  const worker = {
    ...{ hops: 0, begin: never, load: never, file: never, release: never },
    async compute() {
      worker.hops++;
      return new Map();
    },
  };
  return worker;
}

it('lets files be read while hops are computed one after another', async () => {
  const quick = quickWorker();
  const worker = sharedThreadWorker(quick);
  let isRead = false;
  const reading = readFile(fileURLToPath(import.meta.url)).then(() => {
    isRead = true;
  });
  for (let hop = 0; !isRead && hop < 1_000_000; hop++) await worker.compute(0, hop, new Map());
  expect(isRead).toBe(true);
  await reading;
});

it('computes no hop that was given up while it waited for its turn', async () => {
  const quick = quickWorker();
  const given = new AbortController();
  const computing = sharedThreadWorker(quick).compute(0, 0, new Map(), given.signal);
  given.abort(new Error('given up'));
  await expect(computing).rejects.toThrow('given up');
  expect(quick.hops).toBe(0);
});
