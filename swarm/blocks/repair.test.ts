import { describe, expect, it } from 'vitest';
import { isObsolete, neededVersions } from './needed-versions.ts';
import { repairsOf } from './repair.ts';

const root = (n: number) => `0x${n.toString(16).padStart(64, '0')}` as const;
const blocks = ['embedding', 'layers.0-1', 'head'];
/** All blocks of these steps. */
const confirmed = (...steps: readonly number[]) =>
  steps.flatMap((step) => blocks.map((block) => ({ block, step, root: root(step) })));

describe('neededVersions', () => {
  it('[P-165] needs the last two versions of a block and the first of every open claim', () => {
    const record = { confirmed: confirmed(0, 1, 2, 3, 4, 5), claims: [1, 4] };
    const steps = neededVersions(record).filter(({ block }) => block === 'head');
    expect(steps.map(({ step }) => step)).toEqual([5, 4, 1]);
    expect(neededVersions({ ...record, claims: [] })).toHaveLength(6);
  });

  it('[P-165] drops what nothing needs, and what the run did not agree on', () => {
    const record = { confirmed: confirmed(0, 1, 2, 3), claims: [1] };
    const dropped = (step: number, of = root(step)) => isObsolete({ block: 'head', step, root: of }, record);
    expect([0, 1, 2, 3].map((step) => dropped(step))).toEqual([true, false, false, false]);
    expect(dropped(3, root(9))).toBe(true);
    // A step that is being agreed on waits, and a step far ahead is of no run.
    expect([4, 5, 6].map((step) => dropped(step))).toEqual([false, false, true]);
    // A device that has just come knows nothing of the run, and drops nothing of what it has.
    const nothing = { confirmed: [], claims: [] };
    expect(isObsolete({ block: 'head', step: 9, root: root(9) }, nothing)).toBe(false);
  });
});

describe('repairsOf', () => {
  const repair = (held: (block: string, step: number) => boolean) =>
    repairsOf({
      blocks,
      confirmed: confirmed(3, 4, 5),
      needed: [{ block: 'head', step: 5, root: root(5) }],
      isHeld: ({ block, step }) => held(block, step),
    });

  it('[P-168] takes the exact version from a device that holds it', () => {
    expect(repair((_, step) => step === 5)).toMatchObject([{ kind: 'exact' }]);
  });

  it('[P-168] replays from the newest step of which every block is held', () => {
    expect(repair((block, step) => block !== 'head' || step < 5)).toMatchObject([
      { kind: 'replay', fromStep: 4 },
    ]);
    // Of step 4 another block is missing, and a block of step 5 needs all blocks of step 4.
    expect(repair((block, step) => step === 3 || (block === 'head' && step === 4))).toMatchObject([
      { kind: 'replay', fromStep: 3 },
    ]);
  });

  it('[P-168] says that CheckFree is needed only where nothing else is left', () => {
    const [lost] = repair((block) => block === 'embedding');
    expect(lost).toMatchObject({ kind: 'lost', version: { block: 'head', step: 5 } });
    expect(lost?.kind === 'lost' && lost.remedy).toMatch(/Repair it by CheckFree from layers\.0-1, or wait/);
  });
});
