/**
 * Turns one node of a program into the steps (kernel launches) of the wasm module. Word layouts are those documented
 * at each kernel in assembly/.
 */
import type { OperatorName } from '../../repops/operators.ts';
import { type DType, elementBytes, type Node } from '../../repops/program.ts';
import { ProgramError } from '../engine.ts';
import { Opcode } from './assembly/opcodes.ts';

/** One argument word: an integer, an f32 constant, or an address that is only known when the program runs. */
export type Word =
  | number
  | { readonly f32: number }
  | { readonly tensor: string; readonly bytes: number }
  | { readonly scratch: number };

export interface Step {
  readonly opcode: Opcode;
  readonly words: readonly Word[];
}

export interface NodeSteps {
  readonly steps: readonly Step[];
  /** Bytes of scratch memory that the steps need while they run. */
  readonly scratchBytes: number;
}

/** A node's operands as words. */
interface Operands {
  attribute(name: string): number;
  constant(name: string): Word;
  input(index: number, bytes?: number): Word;
  output(index: number, bytes?: number): Word;
  /** dtype of an input. */
  dtype(index: number): DType;
  readonly threads: number;
}

/** Most bytes of packed left operand, unless four rows alone take more. */
const LEFT_BYTES = 4 * 1024 * 1024;
/** Of these, what is multiplied by one panel of the right operand: it stays in a core's second-level cache. */
const LEFT_SLICE_BYTES = 256 * 1024;
/** As in assembly/matmul.ts: values of k in a thread's panels of the right operand, and how many panels these are. */
const PANEL_DEPTH = 256;
const PANEL_GROUP = 4;
/** Elements of a row of logits that one thread takes at a time. */
const SOFTMAX_CHUNK = 1024;
const PANEL_ROWS = 4;
const PANEL_LANES = 8;

const align = (bytes: number, to = 64): number => Math.ceil(bytes / to) * to;
const pad4 = (n: number): number => align(n, 4);

/** The plain case: one step, inputs then outputs then integers then constants. */
function single(opcode: Opcode, words: readonly Word[]): NodeSteps {
  return { steps: [{ opcode, words }], scratchBytes: 0 };
}

function matmul(node: Operands): NodeSteps {
  const M = node.attribute('M');
  const N = node.attribute('N');
  const K = node.attribute('K');
  const transposeA = node.attribute('transposeA');
  const transposeB = node.attribute('transposeB');
  const bf16 = node.dtype(1) === 'bf16';
  if (M === 1 && transposeB === 1) {
    const rowBytes = align(4 * K);
    const words = [
      node.input(0),
      node.input(1),
      node.output(0),
      N,
      K,
      bf16 ? 1 : 0,
      { scratch: 0 },
      rowBytes,
    ];
    return { steps: [{ opcode: Opcode.MatmulRow, words }], scratchBytes: rowBytes * node.threads };
  }
  const fit = (bytes: number, depth: number): number =>
    Math.max(Math.floor(bytes / (4 * depth * PANEL_ROWS)), 1) * PANEL_ROWS;
  const rows = Math.min(
    fit(LEFT_BYTES, K),
    fit(LEFT_SLICE_BYTES, Math.min(K, PANEL_DEPTH)),
    align(M, PANEL_ROWS),
  );
  const left = align(4 * K * rows);
  const perThread = PANEL_GROUP * PANEL_DEPTH * 4 * PANEL_LANES + 4 * PANEL_ROWS * PANEL_LANES;
  const steps: Step[] = [];
  for (let m = 0; m < M; m += rows) {
    const height = Math.min(rows, M - m);
    steps.push({
      opcode: Opcode.MatmulPack,
      words: [
        node.input(0, 4 * (transposeA ? m : m * K)),
        { scratch: 0 },
        height,
        K,
        4 * (transposeA ? M : K),
        transposeA,
      ],
    });
    steps.push({
      opcode: Opcode.MatmulPanels,
      words: [
        { scratch: 0 },
        node.input(1),
        node.output(0, 4 * m * N),
        height,
        N,
        K,
        elementBytes(node.dtype(1)) * (transposeB ? K : N),
        transposeB,
        bf16 ? 1 : 0,
        { scratch: left },
        perThread,
      ],
    });
  }
  return { steps, scratchBytes: left + perThread * node.threads };
}

/** `perThread` counts the f32 of scratch that one thread needs. */
function attentionStep(
  node: Operands,
  opcode: Opcode,
  addresses: readonly Word[],
  perThread: number,
): NodeSteps {
  const bytes = align(4 * perThread);
  const sizes = ['B', 'Tq', 'Tk', 'heads', 'kvHeads', 'headDim'].map((name) => node.attribute(name));
  return {
    steps: [{ opcode, words: [...addresses, ...sizes, node.constant('scale'), { scratch: 0 }, bytes] }],
    scratchBytes: bytes * node.threads,
  };
}

function attention(node: Operands): NodeSteps {
  const Tk = node.attribute('Tk');
  const d = node.attribute('headDim');
  const [q, k, v, positions] = [node.input(0), node.input(1), node.input(2), node.input(3)];
  const words = [q, k, v, positions, node.output(1), 0, 0, node.output(0), 0];
  // key panels, value panels, queries, scores, result; queries also hold the 16 statistics of 8 rows
  const floats = pad4(Tk) * d + Tk * pad4(d) + Math.max(8 * d, 16) + 8 * pad4(Tk) + 8 * pad4(d);
  return attentionStep(node, Opcode.Attention, words, floats);
}

function attentionGradQ(node: Operands): NodeSteps {
  const Tk = node.attribute('Tk');
  const d = node.attribute('headDim');
  const words = [...[0, 1, 2, 3, 4, 5, 6].map((i) => node.input(i)), node.output(0), 0];
  const floats = 2 * pad4(Tk) * d + Tk * pad4(d) + 16 * d + 16 * pad4(Tk) + 8 * pad4(d);
  return attentionStep(node, Opcode.AttentionGradQ, words, floats);
}

function attentionGradKv(node: Operands): NodeSteps {
  const Tq = node.attribute('Tq');
  const d = node.attribute('headDim');
  const words = [...[0, 1, 2, 3, 4, 5, 6].map((i) => node.input(i)), node.output(0), node.output(1)];
  const floats = 2 * pad4(Tq) * d + 2 * Tq * pad4(d) + 16 * d + 16 * pad4(Tq) + 8 * pad4(d);
  return attentionStep(node, Opcode.AttentionGradKv, words, floats);
}

function embedGrad(node: Operands): NodeSteps {
  const [N, V, D] = [node.attribute('N'), node.attribute('V'), node.attribute('D')];
  const words = [
    node.input(0),
    node.input(1),
    node.output(0),
    N,
    V,
    D,
    { scratch: 0 },
    { scratch: align(4 * V) },
  ];
  return { steps: [{ opcode: Opcode.EmbedGrad, words }], scratchBytes: align(4 * V) + align(4 * N) };
}

/** Steps that leave the chunk maxima and block sums of mul(x, scale) in scratch. */
function softmaxBlocks(node: Operands, scale: Word) {
  const [N, V] = [node.attribute('N'), node.attribute('V')];
  const maximaBytes = align(4 * N * Math.ceil(V / SOFTMAX_CHUNK));
  const maxima = { scratch: 0 };
  const sums = { scratch: maximaBytes };
  const steps: Step[] = [
    { opcode: Opcode.SoftmaxMaxima, words: [node.input(0), maxima, N, V, scale] },
    { opcode: Opcode.SoftmaxSums, words: [node.input(0), maxima, sums, N, V, scale] },
  ];
  return { N, V, steps, maxima, sums, scratchBytes: maximaBytes + align(4 * N * Math.ceil(V / 64)) };
}

function xentLse(node: Operands): NodeSteps {
  const { N, V, steps, maxima, sums, scratchBytes } = softmaxBlocks(node, { f32: 1 });
  const finish = { opcode: Opcode.XentLse, words: [maxima, sums, node.output(0), N, V] };
  return { steps: [...steps, finish], scratchBytes };
}

function sample(node: Operands): NodeSteps {
  const scale = node.constant('invTemperature');
  const { N, V, steps, maxima, sums, scratchBytes } = softmaxBlocks(node, scale);
  const operands = [node.input(0), node.input(1), maxima, sums, node.output(0), node.output(1)];
  const finish = { opcode: Opcode.Sample, words: [...operands, N, V, scale, node.attribute('greedy')] };
  return { steps: [...steps, finish], scratchBytes };
}

function sampleFilter(node: Operands): NodeSteps {
  const [N, V] = [node.attribute('N'), node.attribute('V')];
  const bytes = align(8 * pad4(V));
  const words = [
    node.input(0),
    node.output(0),
    N,
    V,
    node.attribute('topK'),
    node.constant('topP'),
    node.constant('invTemperature'),
    { scratch: 0 },
    bytes,
  ];
  return { steps: [{ opcode: Opcode.SampleFilter, words }], scratchBytes: bytes * node.threads };
}

function normSquare(node: Operands): NodeSteps {
  const steps: Step[] = [];
  let length = node.attribute('len');
  let from = node.input(0);
  let used = 0;
  let squares = 1;
  do {
    const sums = Math.ceil(length / 64);
    const to = sums === 1 ? node.output(0) : { scratch: used };
    steps.push({ opcode: Opcode.NormBlocks, words: [from, to, length, squares] });
    used += sums === 1 ? 0 : align(4 * pad4(sums));
    [from, length, squares] = [to, sums, 0];
  } while (length > 1);
  return { steps, scratchBytes: used };
}

function cacheWrite(node: Operands): NodeSteps {
  const sizes = [node.attribute('B'), node.attribute('Tk'), node.attribute('D')];
  return single(Opcode.CacheWrite, [node.input(1), node.input(2), node.output(0), ...sizes]);
}

function adamw(node: Operands): NodeSteps {
  const constants = ['beta1', 'oneMinusBeta1', 'beta2', 'oneMinusBeta2', 'eps', 'weightDecay'];
  return single(Opcode.Adamw, [
    ...[0, 1, 2, 3, 4, 5].map((i) => node.input(i)),
    node.attribute('len'),
    ...constants.map((name) => node.constant(name)),
  ]);
}

/** A kernel that takes inputs, outputs, the named sizes and then the named constants, in that order. */
function regular(opcode: Opcode, inputs: number, outputs: number, sizes: string[], constants: string[] = []) {
  return (node: Operands): NodeSteps =>
    single(opcode, [
      ...Array.from({ length: inputs }, (_, i) => node.input(i)),
      ...Array.from({ length: outputs }, (_, i) => node.output(i)),
      ...sizes.map((name) => node.attribute(name)),
      ...constants.map((name) => node.constant(name)),
    ]);
}

const BUILDERS: Record<OperatorName, (node: Operands) => NodeSteps> = {
  embed: (node) =>
    regular(node.dtype(1) === 'bf16' ? Opcode.EmbedBf16 : Opcode.Embed, 2, 1, ['N', 'V', 'D'])(node),
  'embed.grad': embedGrad,
  matmul,
  'bias.add': regular(Opcode.BiasAdd, 2, 1, ['N', 'D']),
  'bias.grad': regular(Opcode.BiasGrad, 1, 1, ['N', 'D']),
  add: regular(Opcode.Add, 2, 1, ['len']),
  'rms.rstd': regular(Opcode.RmsRstd, 1, 1, ['N', 'D'], ['invD', 'eps']),
  'rms.apply': regular(Opcode.RmsApply, 3, 1, ['N', 'D']),
  'rms.grad.x': regular(Opcode.RmsGradX, 4, 1, ['N', 'D'], ['invD']),
  'rms.grad.gain': regular(Opcode.RmsGradGain, 3, 1, ['N', 'D']),
  rope: regular(Opcode.Rope, 4, 1, ['N', 'heads', 'headDim', 'P', 'inverse']),
  swiglu: regular(Opcode.Swiglu, 2, 1, ['len']),
  'swiglu.grad': regular(Opcode.SwigluGrad, 3, 2, ['len']),
  attention,
  'attention.delta': (node) =>
    single(Opcode.AttentionDelta, [
      node.input(0),
      node.input(1),
      node.output(0),
      node.attribute('N') * node.attribute('heads'),
      node.attribute('headDim'),
    ]),
  'attention.grad.q': attentionGradQ,
  'attention.grad.kv': attentionGradKv,
  'cache.write': cacheWrite,
  'xent.lse': xentLse,
  'xent.logprob': regular(Opcode.XentLogprob, 3, 1, ['N', 'V']),
  'xent.grad': regular(Opcode.XentGrad, 4, 1, ['N', 'V']),
  'policy.coefficient': regular(Opcode.PolicyCoefficient, 4, 1, ['N'], ['clipLow', 'clipHigh', 'ratioCap']),
  'loss.weighted': regular(Opcode.LossWeighted, 2, 1, ['N']),
  'norm.square': normSquare,
  'clip.scale': (node) => {
    const count = node.attribute('count');
    const sums = Array.from({ length: count }, (_, i) => node.input(i));
    return single(Opcode.ClipScale, [node.output(0), node.constant('maxNorm'), count, ...sums]);
  },
  adamw,
  sample,
  'add.scaled': regular(Opcode.AddScaled, 2, 1, ['len'], ['scale']),
  'rope.pairs': regular(Opcode.RopePairs, 4, 1, ['N', 'heads', 'headDim', 'P', 'inverse']),
  'cache.write.rows': (node) =>
    single(Opcode.CacheWriteRows, [
      node.input(1),
      node.input(2),
      node.output(0),
      ...['B', 'R', 'Tk', 'D'].map((name) => node.attribute(name)),
    ]),
  'sample.filter': sampleFilter,
};

/** The steps of a validated node for a team of `threads`; `dtypeOf` a tensor's name. */
export function stepsOf(
  node: Node,
  threads: number,
  dtypeOf: (name: string) => DType | undefined,
): NodeSteps {
  const attribute = (name: string): number => {
    const value = node.attributes[name];
    if (value === undefined) throw new ProgramError(`${node.op}: attribute ${name} is missing`);
    return value;
  };
  const operand = (names: readonly string[], index: number, bytes: number): Word => {
    const tensor = names[index];
    if (tensor === undefined) throw new ProgramError(`${node.op}: operand ${index} is missing`);
    return { tensor, bytes };
  };
  return BUILDERS[node.op]({
    attribute,
    constant: (name) => ({ f32: attribute(name) }),
    input: (index, bytes = 0) => operand(node.inputs, index, bytes),
    output: (index, bytes = 0) => operand(node.outputs, index, bytes),
    dtype: (index) => dtypeOf(node.inputs[index] ?? '') ?? 'f32',
    threads,
  });
}
