/**
 * Steps between groups and repairs of blocks can be disputed: each slot of their traces follows from others.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../compute/engines/engine.ts';
import { createReferenceEngine } from '../compute/engines/reference.ts';
import { runOperator } from '../compute/engines/run-program.ts';
import { canon, floatOf } from '../compute/repops/arithmetic.ts';
import { attributeNames } from '../compute/repops/attributes.ts';
import { operatorProgram } from '../compute/repops/operator-program.ts';
import { specOf } from '../compute/repops/operators.ts';
import { RecipeBuilder, type StepRecipe } from '../compute/repops/recipe.ts';
import { blockPlan } from '../models/blocks/block-plan.ts';
import { parameterSpecs } from '../models/decoder/config.ts';
import { must } from '../protocol/must.ts';
import { RandomStream } from '../protocol/philox.ts';
import { addOuterStep, OUTER, OUTER_MOMENTUM } from '../training/groups/outer-step.ts';
import { repairProgram } from '../training/groups/repair.ts';
import { NARROW_CONFIG } from '../training/testing/narrow-model.ts';
import { bytesOf, encodeProgram, operatorName } from './encode-program.ts';
import { createStepComputer } from './step-computer.ts';

let engine: Engine;
beforeAll(() => {
  engine = createReferenceEngine();
});
afterAll(() => engine.stop());

/** Traces a recipe on random values and computes every slot again from the slots that it reads. */
async function checkTrace(recipe: StepRecipe): Promise<readonly string[]> {
  const encoded = encodeProgram(recipe);
  const draws = new RandomStream([8, 25]);
  const values = (kind: 'state' | 'data') =>
    new Map(
      [...recipe.tensors].flatMap(([name, { shape, source }], tensor) => {
        if (source.kind !== kind) return [];
        const length = shape.reduce((a, b) => a * b);
        const data = Float32Array.from({ length }, (_, i) => canon(draws.uniform(tensor, i) - 0.5));
        return [[name, data] as const];
      }),
    );
  const data = values('data');
  const plan = { recipe, encoded, given: () => data, metadata: () => new Uint8Array(32) };
  const computer = createStepComputer({ engine, plan });
  const before = values('state');
  const { tensors, after } = await computer.trace(0, before);
  expect(after).toEqual(await computer.advance(0, before));
  computer.dispose();
  for (const { name, slot } of encoded.after) {
    expect(tensors[slot], name).toEqual(bytesOf(must([after.get(name) ?? new Float32Array()], 0)));
  }
  const floats = (slot: number) => new Float32Array(must(tensors, slot).slice().buffer);
  const operators: string[] = [];
  for (const [slot, { kind, node, inputs }] of encoded.slots.entries()) {
    if (kind !== 3) continue;
    const op = operatorName(node.op);
    if (op === undefined || op === 'draw') throw new RangeError(`slot ${slot} is of no operator`);
    operators.push(op);
    expect(inputs.every((input) => input < slot)).toBe(true);
    const kinds = Object.values(specOf(op).attributes);
    const attributes = Object.fromEntries(
      attributeNames(op).map((name, i) => {
        const word = must(node.attributes, i);
        return [name, kinds[i]?.kind === 'f32' ? floatOf(word) : word];
      }),
    );
    const outputs = await runOperator(engine, operatorProgram(op, attributes), inputs.map(floats));
    expect([...must(outputs, node.output)]).toEqual([...floats(slot)]);
  }
  return operators;
}

describe('the trace of', () => {
  const specs = parameterSpecs({ ...NARROW_CONFIG, layers: 1 });

  it.each(['pair', 'self'] as const)('an outer step (%s) follows slot by slot', async (kind) => {
    const recipe = new RecipeBuilder();
    for (const { name, shape } of specs) {
      for (const prefix of ['', OUTER, OUTER_MOMENTUM]) recipe.state(`${prefix}${name}`, shape);
    }
    addOuterStep(recipe, kind, specs);
    const operators = await checkTrace(recipe.build());
    expect(operators).toHaveLength(6 * specs.length);
  });

  it('a repair follows slot by slot', async () => {
    const config = { ...NARROW_CONFIG, layers: 3 };
    const plan = blockPlan({ config, layers: [1, 1, 1] });
    const recipe = new RecipeBuilder();
    for (const { name, shape } of parameterSpecs(config)) {
      for (const prefix of ['', 'optimizer.m.', 'optimizer.v.']) recipe.state(`${prefix}${name}`, shape);
    }
    recipe.run(
      repairProgram(plan, { step: 3, stage: 2, before: 1, after: 3, norms: [canon(0.2), canon(0.7)] }),
    );
    const operators = await checkTrace(recipe.build());
    expect(new Set(operators)).toEqual(new Set(['add.scaled']));
  });
});
