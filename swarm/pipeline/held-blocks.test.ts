import { describe, expect, it } from 'vitest';
import { HeldBlocks, type HopWorker } from './held-blocks.ts';
import type { Roots } from './run-states.ts';

const RIGHT: Roots = new Map([['w', `0x${'11'.repeat(32)}`] as const]);
const FALSE: Roots = new Map([['w', `0x${'22'.repeat(32)}`] as const]);
const place = { block: 'layers.0', step: 4 };

/** A worker whose loads end when they are told to, with the first byte of a file for its tensors. */
class SlowWorker implements Pick<HopWorker, 'load' | 'release'> {
  readonly loads: (() => void)[] = [];
  readonly inMemory: Roots[] = [];
  async load(file: Uint8Array): Promise<{ roots: Roots }> {
    const roots = file[0] === 1 ? RIGHT : FALSE;
    await new Promise<void>((resolve) => this.loads.push(resolve));
    this.inMemory.push(roots);
    return { roots };
  }
  async release(): Promise<void> {
    this.inMemory.length = 0;
  }
}

function heldBy(worker: SlowWorker): HeldBlocks {
  const none = () => Promise.reject(new Error('Not asked for here.'));
  return new HeldBlocks({
    worker: {
      begin: none,
      file: none,
      compute: none,
      load: (f) => worker.load(f),
      forget: () => worker.release(),
      release: () => worker.release(),
    },
    tensorsOf: () => ['w'],
    confirmed: () => undefined,
    beginWriting: () => undefined,
  });
}

describe('versions in memory', () => {
  it('[P-149] leaves a second file of a block out while one is loaded, so that no false one replaces it', async () => {
    const worker = new SlowWorker();
    const held = heldBy(worker);
    const first = held.take(place, Uint8Array.of(1), RIGHT, () => true);
    const second = held.take(place, Uint8Array.of(2), RIGHT, () => true);
    for (const end of worker.loads) end();
    expect(await Promise.all([first, second])).toEqual([true, false]);
    expect(worker.inMemory).toEqual([RIGHT]);
    expect(held.stepOf('layers.0')).toBe(4);
  });

  it('gives a false file back, and one that is not wanted any more, and then takes another', async () => {
    const worker = new SlowWorker();
    const held = heldBy(worker);
    for (const [byte, isWanted] of [
      [2, true],
      [1, false],
    ] as const) {
      const taken = held.take(place, Uint8Array.of(byte), RIGHT, () => isWanted);
      worker.loads.at(-1)?.();
      expect(await taken).toBe(false);
      expect(worker.inMemory).toEqual([]);
    }
    const taken = held.take(place, Uint8Array.of(1), RIGHT, () => true);
    worker.loads.at(-1)?.();
    expect(await taken).toBe(true);
  });

  it('[P-154] takes a version again that the worker has since it left, and gives back what it did not', async () => {
    const released: string[] = [];
    const forgotten: string[] = [];
    const none = () => Promise.reject(new Error('Not asked for here.'));
    const held = new HeldBlocks({
      worker: {
        begin: async () => ({ roots: RIGHT }),
        // The update was computed here: the worker has the version of the next step, too.
        file: async (block, step) => (block === 'layers.0' && step <= 1 ? Uint8Array.of(1) : none()),
        compute: none,
        load: async (file) => ({ roots: file[0] === 1 ? RIGHT : FALSE }),
        forget: async (block) => void forgotten.push(block),
        release: async (block) => void released.push(block),
      },
      tensorsOf: () => ['w'],
      confirmed: () => undefined,
      beginWriting: () => undefined,
    });
    for (const block of ['layers.0', 'layers.1', 'layers.2']) await held.begin(block, RIGHT);
    held.leave();
    expect([held.ids, held.left, released]).toEqual([[], ['layers.0', 'layers.1', 'layers.2'], []]);
    const always = () => true;
    expect(await held.recover({ block: 'layers.1', step: 1 }, RIGHT, always)).toBe(false);
    expect(await held.recover({ block: 'layers.7', step: 1 }, RIGHT, always)).toBe(false);
    expect(await held.recover({ block: 'layers.0', step: 1 }, RIGHT, always)).toBe(true);
    expect(held.stepOf('layers.0')).toBe(1);
    await held.dropLeft(['layers.0', 'layers.2']);
    expect([held.ids, held.left, released]).toEqual([['layers.0'], [], ['layers.1']]);
    // Another version of it is to come, so that its frozen weights stay.
    expect([held.prepared, forgotten]).toEqual([['layers.2'], ['layers.2']]);
    await held.drop('layers.2');
    expect([held.prepared, released]).toEqual([[], ['layers.1', 'layers.2']]);
  });

  it('keeps the frozen weights of a block whose version came too late, until it has another', async () => {
    const worker = new SlowWorker();
    const held = heldBy(worker);
    const late = held.take(place, Uint8Array.of(1), RIGHT, () => false);
    worker.loads.at(-1)?.();
    expect(await late).toBe(false);
    expect([held.ids, held.prepared]).toEqual([[], ['layers.0']]);
    const next = held.take(place, Uint8Array.of(1), RIGHT, () => true);
    worker.loads.at(-1)?.();
    expect(await next).toBe(true);
    expect([held.ids, held.prepared]).toEqual([['layers.0'], []]);
  });
});
