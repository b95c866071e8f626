import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { commitRun } from '../../audit/commit-run.ts';
import { type RunSpecOptions, runSpecOf } from '../../audit/run-spec.ts';
import { NO_ANVIL } from '../../chain/devnet/anvil.ts';
import { createWasmEngine } from '../../compute/engines/wasm/engine.ts';
import { RandomStream } from '../../protocol/philox.ts';
import { type JudgeOnAnvil, startJudge } from './judge-on-anvil.ts';
import { nanoStart } from './nano-run.ts';
import { oneSlotEach, sweepTrace } from './sweep-trace.ts';

const WORKS: readonly RunSpecOptions['work'][] = [
  { kind: 'supervised', rows: 8, length: 24 },
  { kind: 'policy', items: 2, samples: 4, promptLength: 6, answerLength: 3 },
  { kind: 'blocks', rows: 2, length: 24, layers: [1, 1], paths: [[1], [2, 1], [1, 2]], boundary: 'int8' },
];

describe.skipIf(NO_ANVIL !== undefined)(`the judge on traces of the nano model ${NO_ANVIL ?? ''}`, () => {
  let judge: JudgeOnAnvil;
  beforeAll(async () => {
    judge = await startJudge();
  });
  afterAll(() => judge?.stop());

  it.each(WORKS)('[V-54] agrees with every operator of a $kind step, bit for bit', async (work) => {
    const engine = await createWasmEngine();
    const seed = `0x${'c1'.repeat(32)}` as const;
    const spec = runSpecOf({ start: nanoStart(), steps: 2, seed, learningRate: 1e-3, work });
    const run = await commitRun({ engine, spec, start: nanoStart() });
    const draws = new RandomStream([1, 2]).sequence(0);
    const random = () => draws.uniform();
    const trace = await run.trace(1);
    const { program, slotNames } = run;
    const slots = oneSlotEach(program, random);
    const result = await sweepTrace({ judge, trace, program, slotNames, slots, drawn: 1, random });
    expect(result.mismatches).toEqual([]);
    expect(Object.keys(result.judged).length).toBe(slots.length);
    run.dispose();
    await engine.stop();
  });
});
