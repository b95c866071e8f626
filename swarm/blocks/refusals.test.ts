import { describe, expect, it } from 'vitest';
import { BlockStoreFullError } from './block-files.ts';
import { Refusals } from './refusals.ts';

const full = new BlockStoreFullError(2_000_000, 0);

function refusalsAt() {
  const clock = { now: 0 };
  return { clock, refusals: new Refusals(() => clock.now) };
}

describe('refusals', () => {
  it('[P-164] last 30 s, and twice as long after each failure in a row, at most 10 min', () => {
    const { clock, refusals } = refusalsAt();
    const lengths: number[] = [];
    for (let n = 0; n < 7; n++) {
      const from = clock.now;
      refusals.failed('head', full);
      while (refusals.current().length > 0) clock.now += 1_000;
      lengths.push((clock.now - from) / 1_000);
    }
    expect(lengths).toEqual([30, 60, 120, 240, 480, 600, 600]);
  });

  it('[P-164] begin afresh after a success, which ends them', () => {
    const { clock, refusals } = refusalsAt();
    refusals.failed('head', full);
    clock.now += 31_000;
    refusals.failed('head', full);
    refusals.succeeded('head');
    expect(refusals.current()).toEqual([]);
    refusals.failed('head', full);
    clock.now += 30_000;
    expect(refusals.current()).toEqual([]);
  });

  it('say the cause, and are in the order of their blocks', () => {
    const { refusals } = refusalsAt();
    refusals.failed('layers.0-0', new Error('The file is damaged.'));
    refusals.failed('embedding', full);
    expect(refusals.current()).toMatchObject([
      { block: 'embedding', reason: 'full', problem: full.message },
      { block: 'layers.0-0', reason: 'damaged', problem: 'The file is damaged.' },
    ]);
  });
});
