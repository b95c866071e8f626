/**
 * Turns one node of a program into steps of the wasm module. The order of a step's arguments is the one that
 * its kernel in assembly/ documents.
 */
import { FOLD_BLOCK } from '../../repops/arithmetic.ts';
import type { OperatorName } from '../../repops/operators.ts';
import { elementBytes, type Node, type Program } from '../../repops/program.ts';
import { Opcode } from './assembly/opcodes.ts';
import { type Argument, type NodeSteps, type NodeView, type Step, viewOf } from './node-view.ts';

/** Most bytes of packed left operand, unless four rows alone take more. */
const LEFT_BYTES = 4 * 1024 * 1024;
/**
 * Of these, what is multiplied by one panel of the right operand: it stays in a core's second-level cache.
 */
const LEFT_SLICE_BYTES = 256 * 1024;
/**
 * As in assembly/matmul.ts: values of k in a thread's panels of the right operand, and how many panels these
 * are.
 */
const PANEL_DEPTH = 256;
const PANEL_GROUP = 4;
/** Elements of a row of logits that one thread takes at a time. */
const SOFTMAX_CHUNK = 1024;
const PANEL_ROWS = 4;
const PANEL_LANES = 8;

const align = (bytes: number, to = 64): number => Math.ceil(bytes / to) * to;
const pad4 = (n: number): number => align(n, 4);

function single(opcode: Opcode, args: readonly Argument[]): NodeSteps {
  return { steps: [{ opcode, args }], scratchBytes: 0 };
}

/**
 * One step whose arguments are all inputs, all outputs, the integers and the constants, in the order of the
 * table.
 */
function plain(opcode: Opcode): (node: Plain) => NodeSteps {
  return ({ inputs, outputs, integers, constants }) =>
    single(opcode, [...inputs, ...outputs, ...integers, ...constants]);
}

type Plain = Pick<NodeView<OperatorName>, 'inputs' | 'outputs' | 'integers' | 'constants'>;

function embed(node: NodeView<'embed'>): NodeSteps {
  return plain(node.isBf16('table') ? Opcode.EmbedBf16 : Opcode.Embed)(node);
}

function matmul(node: NodeView<'matmul'>): NodeSteps {
  const { M, transposeB } = node.attributes;
  return M === 1 && transposeB === 1 ? matmulRow(node) : matmulPanels(node);
}

/** One row by columns along k: nothing needs packing but the row. */
function matmulRow(node: NodeView<'matmul'>): NodeSteps {
  const { N, K } = node.attributes;
  const rowBytes = align(4 * K);
  const args = [
    node.input('a'),
    node.input('b'),
    node.output('c'),
    N,
    K,
    node.isBf16('b') ? 1 : 0,
    { scratch: 0 },
    rowBytes,
    node.prepacked('b', N, K),
  ];
  return { steps: [{ opcode: Opcode.MatmulRow, args }], scratchBytes: rowBytes * node.threads };
}

function matmulPanels(node: NodeView<'matmul'>): NodeSteps {
  const { M, N, K, transposeA, transposeB } = node.attributes;
  const bf16 = node.isBf16('b');
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
      args: [
        node.input('a', 4 * (transposeA ? m : m * K)),
        { scratch: 0 },
        height,
        K,
        4 * (transposeA ? M : K),
        transposeA,
      ],
    });
    steps.push({
      opcode: Opcode.MatmulPanels,
      args: [
        { scratch: 0 },
        node.input('b'),
        node.output('c', 4 * m * N),
        height,
        N,
        K,
        elementBytes(bf16 ? 'bf16' : 'f32') * (transposeB ? K : N),
        transposeB,
        bf16 ? 1 : 0,
        { scratch: left },
        perThread,
        transposeB ? node.prepacked('b', N, K) : 0,
      ],
    });
  }
  return { steps, scratchBytes: left + perThread * node.threads };
}

/** A step of the attention kernels. `perThread` counts the f32 of scratch that one thread needs. */
function attentionStep(
  node: NodeView<'attention' | 'attention.grad.q' | 'attention.grad.kv'>,
  opcode: Opcode,
  addresses: readonly Argument[],
  perThread: number,
): NodeSteps {
  const bytes = align(4 * perThread);
  const args = [...addresses, ...node.integers, node.constant('scale'), { scratch: 0 }, bytes];
  return { steps: [{ opcode, args }], scratchBytes: bytes * node.threads };
}

function attention(node: NodeView<'attention'>): NodeSteps {
  const { Tk, headDim } = node.attributes;
  const addresses = [...node.inputs, node.output('stats'), 0, 0, node.output('o'), 0];
  // Scratch holds key panels, value panels, queries, scores and the result; queries also hold the 16
  // statistics of 8 rows.
  const queries = Math.max(8 * headDim, 16);
  const floats = pad4(Tk) * headDim + Tk * pad4(headDim) + queries + 8 * pad4(Tk) + 8 * pad4(headDim);
  return attentionStep(node, Opcode.Attention, addresses, floats);
}

function attentionGradQ(node: NodeView<'attention.grad.q'>): NodeSteps {
  const { Tk, headDim } = node.attributes;
  const addresses = [...node.inputs, node.output('dq'), 0];
  const panels = 2 * pad4(Tk) * headDim + Tk * pad4(headDim);
  const floats = panels + 16 * headDim + 16 * pad4(Tk) + 8 * pad4(headDim);
  return attentionStep(node, Opcode.AttentionGradQ, addresses, floats);
}

function attentionGradKv(node: NodeView<'attention.grad.kv'>): NodeSteps {
  const { Tq, headDim } = node.attributes;
  const addresses = [...node.inputs, node.output('dk'), node.output('dv')];
  const panels = 2 * pad4(Tq) * headDim + 2 * Tq * pad4(headDim);
  const floats = panels + 16 * headDim + 16 * pad4(Tq) + 8 * pad4(headDim);
  return attentionStep(node, Opcode.AttentionGradKv, addresses, floats);
}

function attentionDelta(node: NodeView<'attention.delta'>): NodeSteps {
  const { N, heads, headDim } = node.attributes;
  return single(Opcode.AttentionDelta, [...node.inputs, ...node.outputs, N * heads, headDim]);
}

function embedGrad(node: NodeView<'embed.grad'>): NodeSteps {
  const { N, V } = node.attributes;
  const chains = align(4 * V);
  const args = [...node.inputs, ...node.outputs, ...node.integers, { scratch: 0 }, { scratch: chains }];
  return { steps: [{ opcode: Opcode.EmbedGrad, args }], scratchBytes: chains + align(4 * N) };
}

/** Steps that leave the chunk maxima and block sums of mul(logits, scale) in scratch. */
function softmaxBlocks(node: NodeView<'xent.lse' | 'sample'>, scale: Argument) {
  const { N, V } = node.attributes;
  const maximaBytes = align(4 * N * Math.ceil(V / SOFTMAX_CHUNK));
  const logits = node.input('logits');
  const maxima = { scratch: 0 };
  const sums = { scratch: maximaBytes };
  const steps: Step[] = [
    { opcode: Opcode.SoftmaxMaxima, args: [logits, maxima, N, V, scale] },
    { opcode: Opcode.SoftmaxSums, args: [logits, maxima, sums, N, V, scale] },
  ];
  return { steps, maxima, sums, scratchBytes: maximaBytes + align(4 * N * Math.ceil(V / FOLD_BLOCK)) };
}

function xentLse(node: NodeView<'xent.lse'>): NodeSteps {
  const { steps, maxima, sums, scratchBytes } = softmaxBlocks(node, { f32: 1 });
  const finish = { opcode: Opcode.XentLse, args: [maxima, sums, node.output('lse'), ...node.integers] };
  return { steps: [...steps, finish], scratchBytes };
}

function sample(node: NodeView<'sample'>): NodeSteps {
  const { N, V, greedy } = node.attributes;
  const scale = node.constant('invTemperature');
  const { steps, maxima, sums, scratchBytes } = softmaxBlocks(node, scale);
  const args = [...node.inputs, maxima, sums, ...node.outputs, N, V, scale, greedy];
  return { steps: [...steps, { opcode: Opcode.Sample, args }], scratchBytes };
}

function sampleFilter(node: NodeView<'sample.filter'>): NodeSteps {
  const bytes = align(8 * pad4(node.attributes.V));
  const { inputs, outputs, integers, constants } = node;
  const args = [...inputs, ...outputs, ...integers, ...constants, { scratch: 0 }, bytes];
  return { steps: [{ opcode: Opcode.SampleFilter, args }], scratchBytes: bytes * node.threads };
}

function normSquare(node: NodeView<'norm.square'>): NodeSteps {
  const steps: Step[] = [];
  let length = node.attributes.len;
  let from = node.input('x');
  let used = 0;
  let squares = 1;
  do {
    const sums = Math.ceil(length / FOLD_BLOCK);
    const to = sums === 1 ? node.output('sum') : { scratch: used };
    steps.push({ opcode: Opcode.NormBlocks, args: [from, to, length, squares] });
    used += sums === 1 ? 0 : align(4 * pad4(sums));
    [from, length, squares] = [to, sums, 0];
  } while (length > 1);
  return { steps, scratchBytes: used };
}

/** Writes into the cache, which is input and output and so is one argument. */
function cacheWrite(node: NodeView<'cache.write'>): NodeSteps {
  const operands = [node.input('x'), node.input('positions'), node.output('cache')];
  return single(Opcode.CacheWrite, [...operands, ...node.integers]);
}

function cacheWriteRows(node: NodeView<'cache.write.rows'>): NodeSteps {
  const operands = [node.input('x'), node.input('starts'), node.output('cache')];
  return single(Opcode.CacheWriteRows, [...operands, ...node.integers]);
}

function clipScale(node: NodeView<'clip.scale'>): NodeSteps {
  const { count } = node.attributes;
  return single(Opcode.ClipScale, [node.output('scale'), node.constant('maxNorm'), count, ...node.inputs]);
}

/** The outputs are inputs, which the kernel writes to. */
function adamw({ inputs, integers, constants }: NodeView<'adamw'>): NodeSteps {
  return single(Opcode.Adamw, [...inputs, ...integers, ...constants]);
}

const BUILDERS: { readonly [Op in OperatorName]: (node: NodeView<Op>) => NodeSteps } = {
  embed,
  'embed.grad': embedGrad,
  matmul,
  'bias.add': plain(Opcode.BiasAdd),
  'bias.grad': plain(Opcode.BiasGrad),
  add: plain(Opcode.Add),
  'rms.rstd': plain(Opcode.RmsRstd),
  'rms.apply': plain(Opcode.RmsApply),
  'rms.grad.x': plain(Opcode.RmsGradX),
  'rms.grad.gain': plain(Opcode.RmsGradGain),
  rope: plain(Opcode.Rope),
  swiglu: plain(Opcode.Swiglu),
  'swiglu.grad': plain(Opcode.SwigluGrad),
  attention,
  'attention.delta': attentionDelta,
  'attention.grad.q': attentionGradQ,
  'attention.grad.kv': attentionGradKv,
  'cache.write': cacheWrite,
  'xent.lse': xentLse,
  'xent.logprob': plain(Opcode.XentLogprob),
  'xent.grad': plain(Opcode.XentGrad),
  'policy.coefficient': plain(Opcode.PolicyCoefficient),
  'loss.weighted': plain(Opcode.LossWeighted),
  'norm.square': normSquare,
  'clip.scale': clipScale,
  adamw,
  sample,
  'add.scaled': plain(Opcode.AddScaled),
  'round.bf16': plain(Opcode.RoundBf16),
  'quant.int8': plain(Opcode.QuantInt8),
  'dequant.int8': plain(Opcode.DequantInt8),
  'rope.pairs': plain(Opcode.RopePairs),
  'cache.write.rows': cacheWriteRows,
  'sample.filter': sampleFilter,
};

/** The steps of a node of a validated program, to be run by `threads` threads. */
export function stepsOf<Op extends OperatorName>(
  node: Node<Op>,
  program: Program,
  threads: number,
): NodeSteps {
  return BUILDERS[node.op](viewOf(node, program, threads));
}
