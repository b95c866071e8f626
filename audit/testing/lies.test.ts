import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../compute/engines/engine.ts';
import { createWasmEngine } from '../../compute/engines/wasm/engine.ts';
import { type CommittedRun, commitPlan, commitRun } from '../commit-run.ts';
import { planRun } from '../run-plan.ts';
import { type Lie, lyingComputer } from './lies.ts';
import { POLICY, tinySpec, tinyStart } from './tiny-run.ts';

const LIES: readonly (readonly [what: string, lie: Lie, slot: string])[] = [
  [
    'one bit of one gradient',
    { kind: 'output', step: 1, slot: 'gradient.model.layers.0.mlp.up_proj.weight', element: 5, mask: 1 },
    'gradient.model.layers.0.mlp.up_proj.weight',
  ],
  [
    'one bit of an activation while sampling',
    { kind: 'output', step: 1, slot: 'at.6.layer.0.gate', element: 3, mask: 0x400000 },
    'at.6.layer.0.gate',
  ],
  [
    'a wrong optimizer state',
    { kind: 'state', step: 1, slot: 'optimizer.v.model.norm.weight', element: 2, mask: 0x3f000000 },
    'optimizer.v.model.norm.weight',
  ],
  ['a wrong draw', { kind: 'draw', step: 1, slot: 'at.6.uniform' }, 'at.6.uniform'],
  ['a swapped batch', { kind: 'batch', step: 1, other: 2 }, 'hyper'],
  ['a skipped step', { kind: 'skip', step: 1 }, 'checkpoint'],
];

describe('a liar', () => {
  // With these draws the groups of step 1 differ, so that what was drawn is in the gradient.
  const spec = tinySpec({ work: { ...POLICY, items: 4 }, steps: 3, seed: `0x${'14'.repeat(32)}` });
  const plan = planRun(spec);
  let engine: Engine;
  let honest: CommittedRun;
  beforeAll(async () => {
    engine = await createWasmEngine();
    honest = await commitRun({ engine, spec, start: tinyStart() });
  });
  afterAll(() => engine.stop());

  it.each(LIES)('with %s differs from there on, and first in that very slot', async (_, lie, slot) => {
    const computer = lyingComputer({ engine, plan, lie });
    const run = await commitPlan({ plan, computer, start: tinyStart() });
    expect(run.terms).toEqual(honest.terms);
    expect(run.roots[0]).toBe(honest.roots[0]);
    expect(run.roots[1]).not.toBe(honest.roots[1]);
    expect(run.roots[2]).not.toBe(honest.roots[2]);
    const [theirs, own] = [await run.trace(1), await honest.trace(1)];
    const first = theirs.roots.findIndex((root, i) => root !== own.roots[i]);
    expect(run.slotNames[first]).toBe(slot);
    expect(theirs.roots.at(-1)).toBe(run.roots[1]);
    run.dispose();
  });
});
