import { describe, expect, it } from 'vitest';
import type { DeviceAddress, Hex } from '../../protocol/hex.ts';
import { type AttestedRoot, type RootOfStep, replayRun } from './replay-run.ts';

function rootOf(step: number): Hex {
  return `0x${step.toString(16).padStart(64, '0')}`;
}

/** The first device attests step `step` in a round, unless `device` says another. */
function attestation(round: number, step: number, device = 1): AttestedRoot {
  return {
    device: `0x${String(device).padStart(40, '0')}` as DeviceAddress,
    round,
    checkpointRoot: rootOf(step),
  };
}

/** A run whose steps are counted as they are computed. */
function countedRun() {
  const run = {
    computed: 0,
    async *roots(): AsyncGenerator<RootOfStep> {
      for (let steps = 1; ; steps++) {
        run.computed = steps;
        yield { steps, root: rootOf(steps) };
      }
    },
  };
  return run;
}

const FALSE_STEP = 900_000;

describe('the attestations of a run in blocks', () => {
  it('are found at their steps, and no step after the last one is computed', async () => {
    const run = countedRun();
    const attested = [attestation(1, 4), attestation(1, 5, 2), attestation(2, 40), attestation(2, 39, 2)];
    const seen: number[] = [];
    const findings = await replayRun({
      ...{ attested, roots: run.roots(), steps: 1000 },
      onStep: ({ steps }, found) => found.length > 0 && seen.push(steps),
    });
    expect(findings).toEqual(
      [4, 5, 40, 39].map((steps, i) => ({ kind: 'same', attested: attested[i], steps })),
    );
    expect(seen).toEqual([4, 5, 39, 40]);
    expect(run.computed).toBe(40);
  });

  it('are absent where none of the steps has their root', async () => {
    const run = countedRun();
    const attested = [attestation(1, FALSE_STEP, 2), attestation(2, 40), attestation(2, FALSE_STEP + 1, 3)];
    const findings = await replayRun({ attested, roots: run.roots(), steps: 100 });
    expect(findings).toEqual([
      { kind: 'absent', attested: attested[0], computed: 100 },
      { kind: 'same', attested: attested[1], steps: 40 },
      { kind: 'absent', attested: attested[2], computed: 100 },
    ]);
    expect(run.computed).toBe(100);
  });

  it('of members that do not reach one another are found, however far these lie apart', async () => {
    // The second one began alone at a step on its medium, and is slow.
    const attested = [attestation(5, 49), attestation(6, 125), attestation(6, 33, 2), attestation(7, 40, 2)];
    const findings = await replayRun({ attested, roots: countedRun().roots(), steps: 1000 });
    expect(findings.map(({ kind }) => kind)).toEqual(['same', 'same', 'same', 'same']);
  });

  it('that are none need no step', async () => {
    const run = countedRun();
    expect(await replayRun({ attested: [], roots: run.roots(), steps: 100 })).toEqual([]);
    expect(run.computed).toBe(0);
  });
});
