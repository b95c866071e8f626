import { describe, expect, it, vi } from 'vitest';
import type { Tensor } from '../../compute/engines/engine.ts';
import { createReferenceEngine } from '../../compute/engines/reference.ts';
import { elementCount } from '../../compute/repops/program.ts';
import type { DecoderConfig } from './config.ts';
import { parameterSpecs } from './config.ts';
import { scoreProgram } from './decoder.ts';
import type { WeightPlan } from './forward.ts';
import { initialParameters } from './initialize.ts';
import { adapterSpecs, initialAdapters, type LoraOptions, PROJECTIONS } from './lora/adapters.ts';
import { ropeTables } from './rope.ts';
import { fromBfloat16 } from './testing/from-bfloat16.ts';
import { gradientProgram } from './testing/gradient-program.ts';
import { toBfloat16 } from './weights.ts';

// The lattice makes the loss a staircase in the weights, which no finite difference can climb. Left out, the
// same programs must agree with the published equations to f32 accuracy; what the lattice itself does is
// tested beside the operators.
vi.mock('../../compute/engines/reference/lattice-fold.ts', async (original) => ({
  ...(await original<typeof import('../../compute/engines/reference/lattice-fold.ts')>()),
  toLattice: (values: Float32Array) => values.slice(),
}));

const BATCH = 2;
const LENGTH = 5;
const N = BATCH * LENGTH;

function configOf(tiedEmbedding: boolean, more: Partial<DecoderConfig> = {}): DecoderConfig {
  return {
    hiddenSize: 8,
    layers: 2,
    heads: 4,
    kvHeads: 2,
    headDim: 4,
    feedForward: 12,
    vocabulary: 11,
    context: 16,
    ropeTheta: 10000,
    normEpsilon: 1e-6,
    tiedEmbedding,
    ...more,
  };
}

function bits(...words: number[]): number {
  let h = 0x9e3779b9;
  for (const word of words) {
    h = Math.imul(h ^ word, 0x85ebca6b);
    h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
    h ^= h >>> 16;
  }
  return h >>> 0;
}

const tokens = Array.from({ length: N }, (_, i) => bits(1, i) % 11);
const targets = Array.from({ length: N }, (_, i) => bits(2, i) % 11);
const weights = Array.from({ length: N }, (_, i) => ((bits(3, i) % 7) + 1) / 32);

type Parameters = ReadonlyMap<string, ArrayLike<number>>;

/**
 * The published equations of Qwen2 and Llama, with LoRA's where `scale` is given, in f64 with library
 * functions, sharing nothing with the programs under test.
 */
function naiveLogprobs(config: DecoderConfig, parameters: Parameters, scale = 0): number[] {
  const { hiddenSize: D, heads, kvHeads, headDim, vocabulary: V } = config;
  const get = (name: string) => parameters.get(name) ?? [];
  const linear = (x: number[], weight: string, out: number, bias?: string): number[] => {
    const product = (w: ArrayLike<number>, x: number[], size: number, start = (_: number) => 0) =>
      Array.from({ length: size }, (_, o) =>
        x.reduce((sum, value, i) => sum + value * w[o * x.length + i]!, start(o)),
      );
    const y = product(get(weight), x, out, (o) => (bias ? (get(bias)[o] ?? 0) : 0));
    const module = `base_model.model.${weight.replace('.weight', '')}`;
    const a = get(`${module}.lora_A.weight`);
    if (a.length === 0) return y;
    const down = product(a, x, a.length / x.length);
    const up = product(get(`${module}.lora_B.weight`), down, out);
    return y.map((value, o) => value + scale * up[o]!);
  };
  const norm = (x: number[], gain: string): number[] => {
    const rms = Math.sqrt(x.reduce((sum, value) => sum + value * value, 0) / D + config.normEpsilon);
    return x.map((value, i) => (value / rms) * get(gain)[i]!);
  };
  const rotate = (x: number[], position: number): number[] =>
    x.map((value, at) => {
      const i = at % headDim;
      const half = headDim / 2;
      if (config.ropeInterleaved === true) {
        const angle = position * config.ropeTheta ** ((-2 * (i >> 1)) / headDim);
        const other = i % 2 === 0 ? -x[at + 1]! : x[at - 1]!;
        return value * Math.cos(angle) + other * Math.sin(angle);
      }
      const angle = position * config.ropeTheta ** ((-2 * (i % half)) / headDim);
      const other = i < half ? -x[at + half]! : x[at - half]!;
      return value * Math.cos(angle) + other * Math.sin(angle);
    });
  const embedding = get('model.embed_tokens.weight');
  const logprobs: number[] = [];
  for (let b = 0; b < BATCH; b++) {
    let xs = Array.from({ length: LENGTH }, (_, i) =>
      Array.from({ length: D }, (_, d) => embedding[tokens[b * LENGTH + i]! * D + d]!),
    );
    for (let layer = 0; layer < config.layers; layer++) {
      const w = `model.layers.${layer}`;
      const a = `${w}.self_attn`;
      const normed = xs.map((x) => norm(x, `${w}.input_layernorm.weight`));
      const qs = normed.map((x, i) =>
        rotate(linear(x, `${a}.q_proj.weight`, heads * headDim, `${a}.q_proj.bias`), i),
      );
      const ks = normed.map((x, i) =>
        rotate(linear(x, `${a}.k_proj.weight`, kvHeads * headDim, `${a}.k_proj.bias`), i),
      );
      const vs = normed.map((x) => linear(x, `${a}.v_proj.weight`, kvHeads * headDim, `${a}.v_proj.bias`));
      xs = xs.map((x, i) => {
        const attended = new Array<number>(heads * headDim).fill(0);
        for (let h = 0; h < heads; h++) {
          const g = Math.floor(h / (heads / kvHeads));
          const scores = ks.slice(0, i + 1).map((k) => {
            let s = 0;
            for (let d = 0; d < headDim; d++) s += qs[i]![h * headDim + d]! * k[g * headDim + d]!;
            return Math.exp(s / Math.sqrt(headDim));
          });
          const total = scores.reduce((sum, s) => sum + s, 0);
          for (const [j, s] of scores.entries()) {
            for (let d = 0; d < headDim; d++) {
              attended[h * headDim + d]! += (s / total) * vs[j]![g * headDim + d]!;
            }
          }
        }
        const middle = linear(attended, `${a}.o_proj.weight`, D).map((value, d) => value + x[d]!);
        const n2 = norm(middle, `${w}.post_attention_layernorm.weight`);
        const gate = linear(n2, `${w}.mlp.gate_proj.weight`, config.feedForward);
        const up = linear(n2, `${w}.mlp.up_proj.weight`, config.feedForward);
        const inner = gate.map((value, f) => (value / (1 + Math.exp(-value))) * up[f]!);
        return linear(inner, `${w}.mlp.down_proj.weight`, D).map((value, d) => value + middle[d]!);
      });
    }
    for (const [i, x] of xs.entries()) {
      const head = config.tiedEmbedding ? 'model.embed_tokens.weight' : 'lm_head.weight';
      const logits = linear(norm(x, 'model.norm.weight'), head, V);
      const lse = Math.log(logits.reduce((sum, value) => sum + Math.exp(value), 0));
      logprobs.push(logits[targets[b * LENGTH + i]!]! - lse);
    }
  }
  return logprobs;
}

async function run(
  config: DecoderConfig,
  parameters: Parameters,
  extra: Record<string, number[]> = {},
  o: { plan?: WeightPlan; recompute?: boolean } = {},
) {
  const policy = extra.advantages !== undefined;
  const engine = createReferenceEngine();
  const shape = { batch: BATCH, length: LENGTH };
  const program = gradientProgram(config, { ...shape, ...o, objective: policy ? 'policy' : 'supervised' });
  const tables = ropeTables({ positions: config.context, headDim: config.headDim, theta: config.ropeTheta });
  const inputs: Record<string, ArrayLike<number>> = {
    ...Object.fromEntries(parameters),
    'rope.cos': tables.cos,
    'rope.sin': tables.sin,
    tokens,
    targets,
    positions: tokens.map((_, i) => i % LENGTH),
    weights,
    ones: new Array<number>(N).fill(1),
    ...extra,
  };
  const bindings: Record<string, Tensor> = {};
  for (const [name, spec] of Object.entries(program.tensors)) {
    if (spec.storage !== 'bound') continue;
    const tensor = engine.allocate(spec.shape, spec.dtype);
    const data = inputs[name];
    if (data !== undefined) {
      const values = Float32Array.from(data);
      const written = { u32: Uint32Array.from(data), f32: values, bf16: toBfloat16(values) };
      engine.write(tensor, written[spec.dtype]);
    }
    bindings[name] = tensor;
  }
  await engine.run(program, bindings);
  return async (name: string) => [...(await engine.read(bindings[name]!))];
}

/** |a - b| / |b| */
function relativeError(a: readonly number[], b: readonly number[]): number {
  const norm = (values: readonly number[]) => Math.sqrt(values.reduce((sum, x) => sum + x * x, 0));
  return norm(a.map((x, i) => x - b[i]!)) / norm(b);
}

/** Central differences of `loss` in f64. */
function differences(
  parameters: ReadonlyMap<string, Float32Array>,
  name: string,
  loss: (p: Parameters) => number,
) {
  const base = Float64Array.from(parameters.get(name) ?? []);
  const at = (i: number, step: number) => {
    const moved = base.slice();
    moved[i]! += step;
    return loss(new Map<string, ArrayLike<number>>([...parameters, [name, moved]]));
  };
  return Array.from(base, (_, i) => (at(i, 1e-5) - at(i, -1e-5)) / 2e-5);
}

function drawnParameters(config: DecoderConfig): Map<string, Float32Array> {
  const parameters = initialParameters({ config, draw: bits, deviation: 0.4 });
  // Gains of 1 and biases of 0 would hide mistakes in their gradients' paths.
  for (const { name, shape } of parameterSpecs(config)) {
    if (shape.length !== 1) continue;
    const values = parameters.get(name)!;
    for (let i = 0; i < elementCount(shape); i++) {
      values[i] = Math.fround(values[i]! + (bits(9, name.length, i) / 2 ** 32 - 0.5) / 2);
    }
  }
  return parameters;
}

describe.each<[string, DecoderConfig]>([
  ['a tied embedding', configOf(true)],
  ['a head of its own', configOf(false)],
  [
    "Llama's layers and rotary pairs of neighbours",
    configOf(false, { family: 'llama', ropeInterleaved: true }),
  ],
])('gradients with %s', (_, config) => {
  const parameters = drawnParameters(config);

  it('forward agrees with the published equations', async () => {
    const read = await run(config, parameters);
    expect(relativeError(await read('logprobs'), naiveLogprobs(config, parameters))).toBeLessThan(1e-5);
  });

  it('backward agrees with finite differences, every parameter', async () => {
    const read = await run(config, parameters);
    const loss = (p: Parameters) =>
      -naiveLogprobs(config, p).reduce((sum, logprob, i) => sum + weights[i]! * logprob, 0);
    for (const { name } of parameterSpecs(config)) {
      const expected = differences(parameters, name, loss);
      expect(relativeError(await read(`gradient.${name}`), expected), name).toBeLessThan(1e-4);
    }
  });
});

describe.each<[string, DecoderConfig, LoraOptions, boolean]>([
  ['all projections', configOf(true), { rank: 2, alpha: 3, targets: PROJECTIONS }, false],
  ['layers computed again', configOf(true), { rank: 2, alpha: 3, targets: PROJECTIONS }, true],
  ['two projections', configOf(false), { rank: 3, alpha: 3, targets: ['v_proj', 'down_proj'] }, false],
  [
    'Llama',
    configOf(false, { family: 'llama' }),
    { rank: 1, alpha: 0.5, targets: ['q_proj', 'o_proj'] },
    true,
  ],
])('gradients of adapters: %s', (_, config, lora, recompute) => {
  const frozen = new Map(
    [...drawnParameters(config)].map(([name, values]) => [name, fromBfloat16(toBfloat16(values))]),
  );
  const vectors = parameterSpecs(config).filter(({ shape }) => shape.length === 1);
  for (const { name } of vectors) frozen.set(name, drawnParameters(config).get(name)!);
  const adapters = initialAdapters({ config, lora, draw: bits });
  for (const [name, values] of adapters) {
    if (!name.endsWith('lora_B.weight')) continue;
    for (let i = 0; i < values.length; i++) values[i] = Math.fround(bits(5, name.length, i) / 2 ** 32 - 0.5);
  }
  const all = new Map([...frozen, ...adapters]);

  it('agree with finite differences', async () => {
    const read = await run(config, all, {}, { plan: { frozen: true, lora }, recompute });
    const scale = lora.alpha / lora.rank;
    expect(relativeError(await read('logprobs'), naiveLogprobs(config, all, scale))).toBeLessThan(1e-5);
    const loss = (p: Parameters) =>
      -naiveLogprobs(config, p, scale).reduce((sum, logprob, i) => sum + weights[i]! * logprob, 0);
    expect([...adapters.keys()]).toEqual(adapterSpecs(config, lora).map(({ name }) => name));
    for (const name of adapters.keys()) {
      const expected = differences(all, name, loss);
      expect(relativeError(await read(`gradient.${name}`), expected), name).toBeLessThan(1e-4);
    }
  });
});

describe('policy objective', () => {
  const config = configOf(true);
  const parameters = initialParameters({ config, draw: bits, deviation: 0.4 });

  it('has the gradient of the clipped surrogate', async () => {
    const logprobs = naiveLogprobs(config, parameters);
    const advantages = logprobs.map((_, i) => (i % 2 === 0 ? 1.5 : -0.75));
    // Ratios on both sides of both clips, none near an edge.
    const oldLogprobs = logprobs.map((logprob, i) => logprob - [-0.5, 0.1, 0.6, 2][i % 4]!);
    const read = await run(config, parameters, { advantages, oldLogprobs });
    const loss = (p: Parameters) =>
      -naiveLogprobs(config, p).reduce((sum, logprob, i) => {
        const ratio = Math.exp(logprob - oldLogprobs[i]!);
        const advantage = advantages[i]!;
        const active = advantage > 0 ? ratio <= 1.28 : ratio >= 0.8 && ratio <= 4;
        return active ? sum + weights[i]! * advantage * ratio : sum;
      }, 0);
    expect(relativeError(await read('loss'), [loss(parameters)])).toBeLessThan(1e-4);
    for (const { name } of parameterSpecs(config)) {
      const expected = differences(parameters, name, loss);
      expect(relativeError(await read(`gradient.${name}`), expected), name).toBeLessThan(1e-4);
    }
  });
});

describe('programs', () => {
  it('of equal arguments are equal', () => {
    const shape = { batch: 2, length: 3 };
    expect(scoreProgram(configOf(true), shape)).toEqual(scoreProgram(configOf(true), shape));
  });
});
