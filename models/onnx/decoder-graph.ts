/**
 * A decoder of Qwen2's or Llama's shape as an ONNX graph with a key/value cache. It has the names and layouts
 * of Hugging Face's exports and transformers.js:
 *
 * | name | type, shape | |
 * | --- | --- | --- |
 * | `input_ids` | i64 [batch, sequence] | the new tokens |
 * | `attention_mask` | i64 [batch, past + sequence] | 1 for a token, 0 for padding |
 * | `position_ids` | i64 [batch, sequence] | below the model's context |
 * | `past_key_values.<layer>.key`, `.value` | f32 [batch, kvHeads, past, headDim] | past may be 0 |
 * | `logits` | f32 [batch, sequence, vocabulary] | |
 * | `present.<layer>.key`, `.value` | f32 [batch, kvHeads, past + sequence, headDim] | the next call's past |
 *
 * Weights are stored as in the checkpoint, [out, in].
 */
import { type DecoderConfig, parameterSpecs } from '../decoder/config.ts';
import { headName } from '../decoder/forward.ts';
import { modelRopeTables } from '../decoder/rope.ts';
import { type NamedTensors, tensorNamed } from '../decoder/state.ts';
import { type Attribute, Graph } from './graph.ts';

/**
 * `f32`: f32 throughout, as in other software. `bf16-operands`: both operands of each product are first
 * rounded to bf16, as in RepOps (docs/repops.md), so that only the order of sums remains different.
 */
export type Arithmetic = 'f32' | 'bf16-operands';

export interface DecoderGraphOptions {
  readonly config: DecoderConfig;
  /** Canonical f32, by Hugging Face's names. */
  readonly parameters: NamedTensors;
  readonly arithmetic: Arithmetic;
}

const int = (value: number): Attribute => ({ kind: 'int', value });
const ints = (...value: readonly number[]): Attribute => ({ kind: 'ints', value });
/** ONNX's numbers of element types, for Cast. */
const CAST = { f32: int(1), i64: int(7), bool: int(9), bf16: int(16) };
/** The score of a masked key. It is finite, so that a row of padding has a softmax. */
const MASKED = -3.4028234663852886e38;

/** The graph of `config` over `parameters`. It refers to their arrays and does not copy them. */
export function decoderGraph({ config, parameters, arithmetic }: DecoderGraphOptions): Graph {
  const { heads, kvHeads, headDim, layers, context } = config;
  const half = headDim / 2;
  const g = new Graph();
  const specs = new Map(parameterSpecs(config).map(({ name, shape }) => [name, shape]));
  const stored = new Set<string>();

  /** The initializer of a parameter. It is added to the file on first use. */
  const weight = (name: string): string => {
    if (!stored.has(name)) {
      stored.add(name);
      const shape = specs.get(name);
      if (shape === undefined) throw new RangeError(`${name} is not a parameter of this model`);
      g.floats(name, shape, tensorNamed(parameters, name));
    }
    return name;
  };
  /** A value as the operand of a product. */
  const operand = (x: string): string =>
    arithmetic === 'f32' ? x : g.node('Cast', [g.node('Cast', [x], { to: CAST.bf16 })], { to: CAST.f32 });
  /** A parameter as the operand of a product. It is rounded once for all its uses. */
  const roundedWeights = new Map<string, string>();
  const weightOperand = (name: string): string => {
    const known = roundedWeights.get(name) ?? operand(weight(name));
    roundedWeights.set(name, known);
    return known;
  };
  /** y = x W^T, plus the bias if the model has one. */
  const linear = (x: string, name: string): string => {
    const y = g.node('Gemm', [x, weightOperand(`${name}.weight`)], { transB: int(1) });
    const bias = `${name}.bias`;
    return specs.has(bias) ? g.node('Add', [y, weight(bias)]) : y;
  };
  const norm = (x: string, name: string): string => {
    const mean = g.node('ReduceMean', [g.node('Mul', [x, x])], { axes: ints(-1) });
    const deviation = g.node('Sqrt', [g.node('Add', [mean, g.float(config.normEpsilon)])]);
    return g.node('Mul', [g.node('Div', [x, deviation]), weight(`${name}.weight`)]);
  };

  const ids = g.input('input_ids', 'i64', ['batch', 'sequence']);
  const attentionMask = g.input('attention_mask', 'i64', ['batch', 'total']);
  const positions = g.input('position_ids', 'i64', ['batch', 'sequence']);
  const cacheShape = (length: string) => ['batch', kvHeads, length, headDim];
  const past = Array.from({ length: layers }, (_, layer) => ({
    key: g.input(`past_key_values.${layer}.key`, 'f32', cacheShape('past')),
    value: g.input(`past_key_values.${layer}.value`, 'f32', cacheShape('past')),
  }));

  // Sizes that are known only at run time.
  const shape = g.node('Shape', [ids]);
  const batch = g.node('Slice', [shape, g.ints(0), g.ints(1)]);
  const sequence = g.node('Slice', [shape, g.ints(1), g.ints(2)]);
  const total = g.node('Slice', [g.node('Shape', [attentionMask]), g.ints(1), g.ints(2)]);
  const sizes = (...parts: readonly string[]) => g.node('Concat', parts, { axis: int(0) });
  const headsShape = (count: number) => sizes(batch, sequence, g.ints(count, headDim));

  // allowed[b, 1, 1, i, j]: key j is at or before query past + i, and is no padding.
  const scalar = (x: string) => g.node('Squeeze', [x, g.ints(0)]);
  const keys = g.node('Range', [g.int(0), scalar(total), g.int(1)]);
  const queries = g.node('Range', [scalar(g.node('Sub', [total, sequence])), scalar(total), g.int(1)]);
  const causal = g.node('LessOrEqual', [keys, g.node('Unsqueeze', [queries, g.ints(1)])]);
  const shown = g.node('Unsqueeze', [g.node('Cast', [attentionMask], { to: CAST.bool }), g.ints(1, 2, 3)]);
  const allowed = g.node('And', [causal, shown]);

  // Rotations of each new token from the engines' tables: [batch, sequence, 1, headDim / 2], with a last size
  // of 1 for interleaved pairs.
  const tables = modelRopeTables(config, context);
  const rotation = (name: string, table: Float32Array) =>
    g.node('Unsqueeze', [
      g.node('Gather', [g.floats(name, [context, half], table), positions], { axis: int(0) }),
      config.ropeInterleaved === true ? g.ints(2, 4) : g.ints(2),
    ]);
  const cos = rotation('rope.cos', tables.cos);
  const sin = rotation('rope.sin', tables.sin);
  /** Rotates [batch, sequence, heads, headDim] by pairs: halves against each other, or neighbours. */
  const rotate = (x: string, count: number): string => {
    const interleaved = config.ropeInterleaved === true;
    const pairs = interleaved ? g.node('Reshape', [x, sizes(batch, sequence, g.ints(count, half, 2))]) : x;
    const axis = interleaved ? 4 : 3;
    const width = interleaved ? 1 : half;
    const part = (from: number, to: number) =>
      g.node('Slice', [pairs, g.ints(from), g.ints(to), g.ints(axis)]);
    const [first, second] = [part(0, width), part(width, 2 * width)];
    const times = (a: string, b: string) => g.node('Mul', [a, b]);
    const turned = g.node(
      'Concat',
      [
        g.node('Sub', [times(first, cos), times(second, sin)]),
        g.node('Add', [times(second, cos), times(first, sin)]),
      ],
      { axis: int(axis) },
    );
    return interleaved ? g.node('Reshape', [turned, headsShape(count)]) : turned;
  };
  const headsFirst = (x: string) => g.node('Transpose', [x], { perm: ints(0, 2, 1, 3) });

  /**
   * softmax(scores) times v, over [batch, kvHeads, heads per group, sequence, total] and v [batch, kvHeads,
   * 1, total, headDim].
   */
  const attend = (scores: string, v: string): string => {
    if (arithmetic === 'f32') return g.node('MatMul', [g.node('Softmax', [scores], { axis: int(-1) }), v]);
    // RepOps multiplies before it normalises, so the exponentials are rounded.
    const largest = g.node('ReduceMax', [scores], { axes: ints(-1) });
    const powers = g.node('Exp', [g.node('Sub', [scores, largest])]);
    const sum = g.node('ReduceSum', [powers, g.ints(-1)]);
    return g.node('Div', [g.node('MatMul', [operand(powers), operand(v)]), sum]);
  };

  const group = heads / kvHeads;
  const attention = (normed: string, layer: number): string => {
    const w = `model.layers.${layer}.self_attn`;
    const rows = operand(normed);
    const project = (name: 'q' | 'k' | 'v', count: number) =>
      g.node('Reshape', [linear(rows, `${w}.${name}_proj`), headsShape(count)]);
    const grown = (old: string, fresh: string, name: string) => {
      g.node('Concat', [old, headsFirst(fresh)], { axis: int(2) }, name);
      g.output(name, 'f32', cacheShape('total'));
      return g.node('Unsqueeze', [name, g.ints(2)]);
    };
    const q = headsFirst(rotate(project('q', heads), heads));
    const old = past[layer] ?? { key: '', value: '' };
    const k = grown(old.key, rotate(project('k', kvHeads), kvHeads), `present.${layer}.key`);
    const v = grown(old.value, project('v', kvHeads), `present.${layer}.value`);
    const grouped = g.node('Reshape', [q, sizes(batch, g.ints(kvHeads, group), sequence, g.ints(headDim))]);
    const turned = g.node('Transpose', [operand(k)], { perm: ints(0, 1, 2, 4, 3) });
    const products = g.node('MatMul', [operand(grouped), turned]);
    const scores = g.node('Mul', [products, g.float(1 / Math.sqrt(headDim))]);
    const masked = g.node('Where', [allowed, scores, g.float(MASKED)]);
    const attended = g.node('Reshape', [
      attend(masked, v),
      sizes(batch, g.ints(heads), sequence, g.ints(headDim)),
    ]);
    const flat = g.node('Reshape', [headsFirst(attended), g.ints(-1, heads * headDim)]);
    return linear(operand(flat), `${w}.o_proj`);
  };

  const feedForward = (normed: string, layer: number): string => {
    const w = `model.layers.${layer}.mlp`;
    const rows = operand(normed);
    const gate = linear(rows, `${w}.gate_proj`);
    const inner = g.node('Mul', [
      g.node('Mul', [gate, g.node('Sigmoid', [gate])]),
      linear(rows, `${w}.up_proj`),
    ]);
    return linear(operand(inner), `${w}.down_proj`);
  };

  const flatIds = g.node('Reshape', [ids, g.ints(-1)]);
  let x = g.node('Gather', [weight('model.embed_tokens.weight'), flatIds], { axis: int(0) });
  for (let layer = 0; layer < layers; layer++) {
    const w = `model.layers.${layer}`;
    x = g.node('Add', [attention(norm(x, `${w}.input_layernorm`), layer), x]);
    x = g.node('Add', [feedForward(norm(x, `${w}.post_attention_layernorm`), layer), x]);
  }
  const head = headName(config).replace(/\.weight$/, '');
  const rows = linear(operand(norm(x, 'model.norm')), head);
  g.node('Reshape', [rows, sizes(batch, sequence, g.ints(config.vocabulary))], {}, 'logits');
  g.output('logits', 'f32', ['batch', 'sequence', config.vocabulary]);
  return g;
}
