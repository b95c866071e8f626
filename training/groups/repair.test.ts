import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../compute/engines/engine.ts';
import { createReferenceEngine } from '../../compute/engines/reference.ts';
import { runProgram } from '../../compute/engines/run-program.ts';
import { canon } from '../../compute/repops/arithmetic.ts';
import { specOf } from '../../compute/repops/operators.ts';
import { blockPlan, layerBlocks } from '../../models/blocks/block-plan.ts';
import { boundEnds } from '../../models/blocks/hop.ts';
import { RandomStream } from '../../protocol/philox.ts';
import { NARROW_CONFIG } from '../testing/narrow-model.ts';
import {
  blockNorm,
  neighboursOf,
  parseRepairRecord,
  RepairError,
  type RepairRecord,
  rateFactor,
  repairProgram,
  repairWeight,
  stepsOfMoments,
  swappedEnds,
} from './repair.ts';

const PLAN = blockPlan({ config: { ...NARROW_CONFIG, layers: 8 }, layers: [2, 2, 2, 2] });
const GAINS = ['input_layernorm.weight', 'mlp.up_proj.weight'];

let engine: Engine;
beforeAll(() => {
  engine = createReferenceEngine();
});
afterAll(() => engine.stop());

const RECORD: RepairRecord = { step: 9, stage: 2, before: 1, after: 3, norms: [canon(0.5), canon(1.5)] };

/** What a repair writes, by the names of the tensors, from random weights. */
async function repaired(record: RepairRecord) {
  const program = repairProgram(PLAN, record);
  const draws = new RandomStream([7, 3]);
  const { read, written } = boundEnds(program);
  const data = Object.fromEntries(
    [...read].map((name, tensor) => {
      const length = program.tensors[name]!.shape.reduce((a, b) => a * b);
      return [name, Float32Array.from({ length }, (_, i) => canon(draws.uniform(tensor, i) - 0.5))];
    }),
  );
  const names = [...written];
  const outputs = await runProgram(engine, program, data, names);
  return { data, program, outputs: new Map(names.map((name, i) => [name, outputs[i]!])) };
}

describe('a repair', () => {
  it('[CF-1] is the mean of the neighbours, weighted by the norms of their gradients', async () => {
    const { data, outputs } = await repaired(RECORD);
    const weight = 1.5001 / 2.0002;
    for (const gain of GAINS) {
      const [before, after] = [data[`model.layers.1.${gain}`]!, data[`model.layers.5.${gain}`]!];
      const lost = outputs.get(`model.layers.3.${gain}`)!;
      for (let i = 0; i < lost.length; i++) {
        expect(lost[i]!).toBeCloseTo(weight * after[i]! + (1 - weight) * before[i]!, 6);
      }
    }
    const lost = layerBlocks(PLAN)[1]!.trained.map(({ name }) => name);
    expect([...outputs.keys()].filter((name) => name.startsWith('model.')).sort()).toEqual(lost.sort());
  });

  it('[CF-1] is a copy at the ends, and where two neighbours are lost together', async () => {
    expect(neighboursOf(4, 2, new Set([2]))).toEqual({ before: 1, after: 3 });
    expect(neighboursOf(4, 1, new Set([1]))).toEqual({ before: 2, after: 2 });
    expect(neighboursOf(4, 4, new Set([3, 4]))).toEqual({ before: 2, after: 2 });
    expect(neighboursOf(5, 3, new Set([2, 3]))).toEqual({ before: 1, after: 4 });
    const { data, outputs } = await repaired({ ...RECORD, stage: 4, before: 3, after: 3 });
    for (const gain of GAINS) {
      expect(outputs.get(`model.layers.7.${gain}`)).toEqual(data[`model.layers.5.${gain}`]);
    }
  });

  it('[CF-2] leaves fresh moments, and is made of operators that the judge knows', async () => {
    const { outputs, program } = await repaired(RECORD);
    const moments = [...outputs].filter(([name]) => name.startsWith('optimizer.'));
    expect(moments).toHaveLength(2 * layerBlocks(PLAN)[1]!.trained.length);
    for (const [, data] of moments) expect(data.every((x) => Object.is(x, 0))).toBe(true);
    expect(program.nodes.every(({ op }) => specOf(op).judge !== undefined)).toBe(true);
  });

  it('[CF-2] begins the count of steps again', () => {
    const repairs = [RECORD, { ...RECORD, step: 40 }, { ...RECORD, stage: 3, step: 50 }];
    expect([1, 2, 3].map((stage) => stepsOfMoments(repairs, stage, 60))).toEqual([60, 20, 10]);
  });

  it('gives the same bits again, from the record as it is stored', async () => {
    const stored = parseRepairRecord(JSON.parse(JSON.stringify(RECORD)));
    expect((await repaired(stored)).outputs).toEqual((await repaired(RECORD)).outputs);
  });

  it('weighs the greater gradient more, and both alike where they are equal or vanish', () => {
    expect(repairWeight([0, 0])).toBeCloseTo(0.5, 6);
    expect(repairWeight([1, 1])).toBeCloseTo(0.5, 6);
    expect(repairWeight([0, 1])).toBeGreaterThan(0.99);
    expect(repairWeight([1, 0])).toBeLessThan(0.01);
    expect(blockNorm([9, 16])).toBeCloseTo(5, 5);
  });

  it('[CF-3] raises the rate of a lost block once', () => {
    expect(rateFactor([], 2)).toBe(1);
    expect(rateFactor([RECORD, { ...RECORD, step: 40 }], 2)).toBe(1.1);
    expect(rateFactor([RECORD], 3)).toBe(1);
    expect(rateFactor([RECORD], 2, 1.2)).toBe(1.2);
  });

  it('is refused where it cannot be', () => {
    expect(() => neighboursOf(2, 1, new Set([1, 2]))).toThrow(RepairError);
    expect(() => neighboursOf(2, 3, new Set())).toThrow(RepairError);
    expect(() => repairProgram(PLAN, { ...RECORD, before: 2 })).toThrow(/from itself/);
    expect(() => repairProgram(PLAN, { ...RECORD, stage: 5 })).toThrow(/no stage 5/);
    const uneven = blockPlan({ config: { ...NARROW_CONFIG, layers: 4 }, layers: [1, 2, 1] });
    expect(() => repairProgram(uneven, RECORD)).toThrow(/differ in size/);
  });

  it.each([
    null,
    { ...RECORD, step: -1 },
    { ...RECORD, stage: 0 },
    { ...RECORD, after: 17 },
    { ...RECORD, norms: [1] },
    { ...RECORD, norms: [1, -1] },
    { ...RECORD, norms: [1, 0.1] },
  ])('refuses %j as a record', (value) => {
    expect(() => parseRepairRecord(value)).toThrow(RepairError);
  });
});

describe('swapped ends', () => {
  it('let every odd microbatch take the first two and the last two stages in swapped order', () => {
    expect(swappedEnds(6, 0)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(swappedEnds(6, 1)).toEqual([2, 1, 3, 4, 6, 5]);
    expect(swappedEnds(4, 3)).toEqual([2, 1, 4, 3]);
    expect(swappedEnds(3, 1)).toEqual([1, 2, 3]);
  });
});
