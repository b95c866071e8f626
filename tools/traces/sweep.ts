/**
 * Asks the EVM judge about every operator's output of one real training step of the nano model, supervised
 * and by reinforcement: the first, the last and some drawn elements of each, with every chunk of those that
 * are long sums.
 *
 *   tsx tools/traces/sweep.ts [--drawn 1] [--large] [--each] [--json]
 *
 * --large: batches as in pretraining (64 rows of 24) and a round (8 questions with 8 answers each). --each:
 * one slot for each operator and output. Gas is that of a transaction that asks the judge alone, without the
 * paths that a dispute checks besides. Needs anvil.
 */
import { parseArgs } from 'node:util';
import { commitRun } from '../../audit/commit-run.ts';
import { type RunSpecOptions, runSpecOf } from '../../audit/run-spec.ts';
import { createWasmEngine } from '../../compute/engines/wasm/engine.ts';
import { RandomStream } from '../../protocol/philox.ts';
import { startJudge } from './judge-on-anvil.ts';
import { nanoStart } from './nano-run.ts';
import { type OperatorCost, oneSlotEach, type SweepResult, sweepTrace } from './sweep-trace.ts';

const { values } = parseArgs({
  options: {
    drawn: { type: 'string', default: '1' },
    large: { type: 'boolean', default: false },
    each: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});

const works: readonly RunSpecOptions['work'][] = values.large
  ? [
      { kind: 'supervised', rows: 64, length: 24 },
      { kind: 'policy', items: 8, samples: 8, promptLength: 6, answerLength: 3 },
    ]
  : [
      { kind: 'supervised', rows: 8, length: 24 },
      { kind: 'policy', items: 2, samples: 4, promptLength: 6, answerLength: 3 },
    ];

const judge = await startJudge();
const engine = await createWasmEngine();
const results: Record<string, SweepResult> = {};
try {
  for (const work of works) {
    const seed = `0x${'c1'.repeat(32)}` as const;
    const spec = runSpecOf({ start: nanoStart(), steps: 2, seed, learningRate: 1e-3, work });
    const run = await commitRun({ engine, spec, start: nanoStart() });
    const draws = new RandomStream([3, 4]).sequence(0);
    const random = () => draws.uniform();
    results[work.kind] = await sweepTrace({
      judge,
      trace: await run.trace(1),
      program: run.program,
      slotNames: run.slotNames,
      drawn: Number(values.drawn),
      random,
      ...(values.each ? { slots: oneSlotEach(run.program, random) } : {}),
      costs: true,
      onSlot: (done, of) => {
        if (!values.json && done % 50 === 0) console.error(`${work.kind}: ${done} of ${of} slots`);
      },
    });
    run.dispose();
  }
} finally {
  await engine.stop();
  await judge.stop();
}

/** The most expensive of both runs, by operator. */
const costs = new Map<string, OperatorCost>();
for (const result of Object.values(results)) {
  for (const [key, cost] of Object.entries(result.costs)) {
    if (cost.gas > (costs.get(key)?.gas ?? 0)) costs.set(key, cost);
  }
}
const summary = {
  sweeps: Object.fromEntries(
    Object.entries(results).map(([kind, { slots, elements, chunks, mismatches }]) => [
      kind,
      { slots, elements, chunks, mismatches: mismatches.length },
    ]),
  ),
  operators: Object.fromEntries(
    [...costs]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, { gas, leaves, bytes }]) => [
        key,
        {
          judged: Object.values(results).reduce((sum, { judged }) => sum + (judged[key] ?? 0), 0),
          leaves,
          bytes,
          gas,
        },
      ]),
  ),
};
if (values.json) console.log(JSON.stringify(summary));
else {
  console.table(summary.sweeps);
  console.table(summary.operators);
}
const mismatches = Object.values(results).flatMap((result) => result.mismatches);
for (const mismatch of mismatches.slice(0, 20)) console.error(mismatch);
process.exitCode = mismatches.length === 0 ? 0 : 1;
