import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../compute/engines/engine.ts';
import { createReferenceEngine } from '../../compute/engines/reference.ts';
import { runProgram } from '../../compute/engines/run-program.ts';
import type { TensorData } from '../../compute/engines/tensor-data.ts';
import { createWasmEngine } from '../../compute/engines/wasm/engine.ts';
import { canon } from '../../compute/repops/arithmetic.ts';
import { specOf } from '../../compute/repops/operators.ts';
import { RecipeBuilder } from '../../compute/repops/recipe.ts';
import { RandomStream } from '../../protocol/philox.ts';
import {
  addOuterStep,
  OUTER,
  OUTER_MOMENTUM,
  type OuterSettings,
  OuterStepError,
  outerStepProgram,
  PARTNER,
} from './outer-step.ts';

const SPECS = [
  { name: 'w', shape: [7, 30] },
  { name: 'gain', shape: [5] },
];
type State = Readonly<Record<string, Float32Array>>;

const stream = new RandomStream([4, 25]);
/** Values around 1 from a seed, with differences of many sizes. */
function values(length: number, seed: number): Float32Array {
  return Float32Array.from({ length }, (_, i) => {
    const size = 2 ** -(stream.word(seed, i, 1) % 30);
    return canon((stream.uniform(seed, i) - 0.5) * size + 1);
  });
}
function stateOf(seed: number): State {
  const tensors = [...SPECS.entries()].flatMap(([i, { name, shape }]) => {
    const length = shape.reduce((a, b) => a * b);
    return [name, `${OUTER}${name}`, `${OUTER_MOMENTUM}${name}`].map(
      (tensor, t) => [tensor, values(length, 100 * seed + 10 * i + t)] as const,
    );
  });
  return Object.fromEntries(tensors);
}
const NAMES = Object.keys(stateOf(0));

let reference: Engine;
let wasm: Engine;
beforeAll(async () => {
  reference = createReferenceEngine();
  wasm = await createWasmEngine({ threads: 1 });
});
afterAll(() => Promise.all([reference.stop(), wasm.stop()]));

/** The state after a step with the partner's weights, or alone. */
async function after(state: State, partner: State | undefined, o: { engine?: Engine } & OuterSettings = {}) {
  const { engine = reference, ...settings } = o;
  const program = outerStepProgram(partner === undefined ? 'self' : 'pair', SPECS, settings);
  const data: Record<string, TensorData> = { ...state };
  if (partner !== undefined) for (const { name } of SPECS) data[`${PARTNER}${name}`] = partner[name]!;
  const outputs = await runProgram(engine, program, data, NAMES);
  return Object.fromEntries(NAMES.map((name, i) => [name, outputs[i]]));
}

describe('an outer step', () => {
  it('is that of NoLoCo, with one rate for the change and the pull together', async () => {
    const [own, other] = [stateOf(1), stateOf(2)];
    const [momentum, rate] = [0.5, 0.7];
    const got = await after(own, other);
    for (const { name } of SPECS) {
      const [w, v, n] = [own[name]!, own[`${OUTER}${name}`]!, own[`${OUTER_MOMENTUM}${name}`]!];
      const [w2, v2] = [other[name]!, other[`${OUTER}${name}`]!];
      for (let i = 0; i < w.length; i++) {
        const change = (w[i]! - v[i]! + (w2[i]! - v2[i]!)) / 2;
        const mean = (v[i]! + v2[i]!) / 2;
        const m = momentum * ((n[i]! * rate) / 2) + rate * change + rate * (mean - v[i]!);
        expect(got[`${OUTER_MOMENTUM}${name}`]![i]! * (rate / 2)).toBeCloseTo(m, 5);
        expect(got[`${OUTER}${name}`]![i]!).toBeCloseTo(v[i]! + m, 5);
      }
    }
  });

  it('leaves the weights at the outer weights, bit for bit', async () => {
    const got = await after(stateOf(3), stateOf(4));
    for (const { name } of SPECS) expect(got[name]).toEqual(got[`${OUTER}${name}`]);
  });

  it('[NL-3] gives both partners the same bits where they were equal before the inner steps', async () => {
    const [one, two] = [stateOf(5), stateOf(6)];
    const shared = Object.fromEntries(
      Object.entries(one).filter(([name]) => name.startsWith(OUTER)),
    ) as State;
    const other = { ...two, ...shared };
    expect(await after(one, other)).toEqual(await after(other, one));
  });

  it('[NL-3] takes the same mean, whoever adds it up', async () => {
    const [one, two] = [stateOf(7), stateOf(8)];
    // Without momentum and at a rate of 1 the step ends at the mean, up to the rounding of v + (mean - v).
    const still = { momentum: 0, rate: 1 };
    const zero = (state: State): State =>
      Object.fromEntries(
        Object.entries(state).map(([name, data]) => [
          name,
          name.startsWith(OUTER) ? new Float32Array(data.length) : data,
        ]),
      );
    const [a, b] = [await after(zero(one), zero(two), still), await after(zero(two), zero(one), still)];
    for (const { name } of SPECS) {
      const mean = one[name]!.map((w, i) => canon(Math.fround(w + two[name]![i]!)) / 2);
      expect(a[name]).toEqual(mean);
      expect(b[name]).toEqual(mean);
    }
  });

  it('[NL-4] alone is the step with itself as the partner', async () => {
    const own = stateOf(9);
    expect(await after(own, undefined)).toEqual(await after(own, own));
  });

  it('gives every device the same bits, again and again', async () => {
    const [own, other] = [stateOf(10), stateOf(11)];
    const first = await after(own, other);
    expect(await after(own, other)).toEqual(first);
    expect(await after(own, other, { engine: wasm })).toEqual(first);
  });

  it('draws groups together', async () => {
    const states = [stateOf(12), stateOf(13)];
    const spread = (a: State, b: State) =>
      SPECS.reduce(
        (sum, { name }) => sum + a[name]!.reduce((s, x, i) => s + Math.abs(x - b[name]![i]!), 0),
        0,
      );
    const shared = Object.fromEntries(
      Object.entries(states[0]!).filter(([name]) => name.startsWith(OUTER)),
    ) as State;
    let [a, b] = states.map((state) => ({ ...state, ...shared })) as [State, State];
    const apart = spread(a, b);
    [a, b] = [(await after(a, b)) as State, (await after(b, a)) as State];
    expect(apart).toBeGreaterThan(1);
    expect(spread(a, b)).toBe(0);
  });

  it('is made of operators that the judge knows, with the partner as data of the step', () => {
    const recipe = new RecipeBuilder();
    for (const { name, shape } of SPECS) {
      for (const prefix of ['', OUTER, OUTER_MOMENTUM]) recipe.state(`${prefix}${name}`, shape);
    }
    addOuterStep(recipe, 'pair', SPECS);
    const { tensors, actions } = recipe.build();
    const given = [...tensors].filter(([, { source }]) => source.kind === 'data').map(([name]) => name);
    expect(given).toEqual([`${PARTNER}w`, `${PARTNER}gain`]);
    const nodes = actions.flatMap((action) => (action.kind === 'run' ? action.program.nodes : []));
    expect(nodes).toHaveLength(12);
    expect(nodes.every(({ op }) => specOf(op).judge !== undefined)).toBe(true);
  });

  it.each([{ momentum: 1 }, { momentum: -0.1 }, { rate: 0 }, { rate: 3 }, { rate: Number.NaN }])(
    'refuses %j',
    (settings) => {
      expect(() => outerStepProgram('pair', SPECS, settings)).toThrow(OuterStepError);
    },
  );
});
