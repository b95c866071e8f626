/**
 * The leaves of an operator's inputs that the judge reads for one element, or for one chunk of its fold
 * (contracts/src/judge). They depend on indices, token ids and positions. Those are in slots before the
 * disputed one, so both sides agree on them.
 */

import { FOLD_BLOCK } from '../compute/repops/arithmetic.ts';
import type { JudgedOperator } from '../compute/repops/operators.ts';
import type { NeededLeaf } from '../protocol/evidence.ts';
import { LEAF_BYTES } from '../protocol/merkle.ts';
import { must } from '../protocol/must.ts';
import { operatorName } from './encode-program.ts';
import { attentionLayout, type FoldInputs, productPlaces, SCATTER_CHUNK, scatteredRows } from './folds.ts';

/** Elements per leaf. */
const LEAF_ELEMENTS = LEAF_BYTES / 4;

/**
 * Records that the judge reads `count` elements of an input, `step` apart, from `start`. Both default to 1.
 */
type Read = (input: number, start: number, count?: number, step?: number) => void;

interface Place extends FoldInputs {
  readonly element: number;
  /** Number of the fold's chunk. */
  readonly chunk: number;
  readonly read: Read;
}

const attribute = ({ node }: Place, index: number): number => must(node.attributes, index);
/** A word of an input. The judge reads words past the end as 0. */
const word = ({ inputs }: Place, input: number, index: number): number => inputs[input]?.[index] ?? 0;

/** The terms of the place's chunk of 64, out of `count` terms. */
function chunkRange({ chunk }: Place, count: number): readonly [start: number, end: number] {
  return [chunk * FOLD_BLOCK, Math.min(count, (chunk + 1) * FOLD_BLOCK)];
}

function readRowsOf(place: Place, inputs: readonly number[], width: number): void {
  const [start, end] = chunkRange(place, attribute(place, 0));
  for (const input of inputs) {
    place.read(input, start * width + (width === 1 ? 0 : place.element), Math.max(0, end - start), width);
  }
}

function readMatmul(place: Place): void {
  const places = productPlaces(place.node, place.element);
  const [start, end] = chunkRange(place, attribute(place, 2));
  for (let k = start; k < end; k++) {
    const [a, b] = places(k);
    place.read(0, a);
    place.read(1, b);
  }
}

function readScatter(place: Place): void {
  const width = attribute(place, 2);
  place.read(0, 0, attribute(place, 0));
  const rows = scatteredRows(place, place.element);
  const first = place.chunk * SCATTER_CHUNK;
  for (const row of rows.slice(first, first + SCATTER_CHUNK))
    place.read(1, row * width + (place.element % width));
}

function readRow(place: Place, input: number, width: number): void {
  place.read(input, place.element - (place.element % width), width);
}

function readRope(place: Place): void {
  const [heads, headDim] = [attribute(place, 1), attribute(place, 2)];
  const half = headDim / 2;
  const within = place.element % headDim;
  const row = Math.floor(place.element / (heads * headDim));
  place.read(0, place.element);
  place.read(0, within < half ? place.element + half : place.element - half);
  place.read(1, row);
  const entry = word(place, 1, row) * half + (within % half);
  place.read(2, entry);
  place.read(3, entry);
}

function readAttention(place: Place): void {
  const layout = attentionLayout(place);
  const { Tq, heads, kvHeads, headDim } = layout;
  const stats = operatorName(place.node.op) === 'attention' && place.node.output === 1;
  const width = stats ? 2 : headDim;
  const [row, head] = [Math.floor(place.element / width / heads), Math.floor(place.element / width) % heads];
  const b = Math.floor(row / Tq);
  place.read(3, row);
  place.read(0, layout.query(row, head), headDim);
  const gradient = operatorName(place.node.op) === 'attention.grad.q';
  if (gradient) readGradientRow(place, row, head);
  for (let j = 0; j < layout.keys(row); j++) {
    place.read(1, layout.key(b, j, head), headDim);
    if (gradient) place.read(2, layout.key(b, j, head), headDim);
    else if (!stats) place.read(2, layout.key(b, j, head) + (place.element % width));
  }
  if (kvHeads > heads) throw new RangeError('more key than query heads');
}

/** Reads statistics, incoming gradient and delta of one head of a query row. */
function readGradientRow(place: Place, row: number, head: number): void {
  const layout = attentionLayout(place);
  const stat = row * layout.heads + head;
  place.read(4, 2 * stat, 2);
  place.read(5, layout.query(row, head), layout.headDim);
  place.read(6, stat);
}

function readGradientOfKeys(place: Place): void {
  const layout = attentionLayout(place);
  const { Tq, Tk, heads, kvHeads, headDim } = layout;
  const key = Math.floor(place.element / headDim / kvHeads);
  const [b, j] = [Math.floor(key / Tk), key % Tk];
  const group = heads / kvHeads;
  const head = (Math.floor(place.element / headDim) % kvHeads) * group + place.chunk;
  if (place.chunk >= group) return;
  for (let i = 0; i < Tq; i++) {
    const row = b * Tq + i;
    place.read(3, row);
    if (j >= layout.keys(row)) continue;
    place.read(0, layout.query(row, head), headDim);
    readGradientRow(place, row, head);
  }
  place.read(1, layout.key(b, j, head), headDim);
  place.read(2, layout.key(b, j, head), headDim);
}

function readCacheWrite(place: Place): void {
  const [Tk, width] = [attribute(place, 1), attribute(place, 2)];
  const row = Math.floor(place.element / width);
  const b = Math.floor(row / Tk);
  place.read(2, b);
  if (word(place, 2, b) === row % Tk) place.read(1, b * width + (place.element % width));
  else place.read(0, place.element);
}

function readAdamw(place: Place): void {
  const { element, read, node } = place;
  read(1, element);
  read(4, 0);
  if (node.output !== 2) read(2, element);
  if (node.output !== 1) read(3, element);
  if (node.output !== 0) return;
  read(0, element);
  read(5, 0, 3);
}

type Reader = (place: Place) => void;

const READERS: Readonly<Record<JudgedOperator | 'draw', Reader>> = {
  embed: (p) => {
    const width = attribute(p, 2);
    const row = Math.floor(p.element / width);
    p.read(0, row);
    p.read(1, word(p, 0, row) * width + (p.element % width));
  },
  'embed.grad': readScatter,
  matmul: readMatmul,
  'bias.add': (p) => {
    p.read(0, p.element);
    p.read(1, p.element % attribute(p, 1));
  },
  'bias.grad': (p) => readRowsOf(p, [0], attribute(p, 1)),
  add: (p) => {
    p.read(0, p.element);
    p.read(1, p.element);
  },
  'rms.rstd': (p) => p.read(0, p.element * attribute(p, 1), attribute(p, 1)),
  'rms.apply': (p) => {
    const width = attribute(p, 1);
    p.read(0, p.element);
    p.read(1, Math.floor(p.element / width));
    p.read(2, p.element % width);
  },
  'rms.grad.x': (p) => {
    const width = attribute(p, 1);
    readRow(p, 0, width);
    readRow(p, 1, width);
    p.read(2, Math.floor(p.element / width));
    p.read(3, 0, width);
  },
  'rms.grad.gain': (p) => {
    readRowsOf(p, [0, 1], attribute(p, 1));
    readRowsOf(p, [2], 1);
  },
  rope: readRope,
  swiglu: (p) => {
    p.read(0, p.element);
    p.read(1, p.element);
  },
  'swiglu.grad': (p) => {
    p.read(0, p.element);
    p.read(1, p.element);
    if (p.node.output === 0) p.read(2, p.element);
  },
  attention: readAttention,
  'attention.delta': (p) => {
    const width = attribute(p, 2);
    p.read(0, p.element * width, width);
    p.read(1, p.element * width, width);
  },
  'attention.grad.q': readAttention,
  'attention.grad.kv': readGradientOfKeys,
  'cache.write': readCacheWrite,
  'xent.lse': (p) => p.read(0, p.element * attribute(p, 1), attribute(p, 1)),
  'xent.logprob': (p) => {
    p.read(0, p.element * attribute(p, 1) + word(p, 2, p.element));
    p.read(1, p.element);
    p.read(2, p.element);
  },
  'xent.grad': (p) => {
    const row = Math.floor(p.element / attribute(p, 1));
    p.read(0, p.element);
    for (const input of [1, 2, 3]) p.read(input, row);
  },
  'policy.coefficient': (p) => {
    for (const input of [0, 1, 2, 3]) p.read(input, p.element);
  },
  'loss.weighted': (p) => readRowsOf(p, [0, 1], 1),
  'norm.square': (p) => readRowsOf(p, [0], 1),
  'clip.scale': (p) => {
    for (let input = 0; input < attribute(p, 0); input++) p.read(input, 0);
  },
  adamw: readAdamw,
  sample: (p) => {
    p.read(0, p.element * attribute(p, 1), attribute(p, 1));
    if (attribute(p, 3) !== 1) p.read(1, p.element);
  },
  'add.scaled': (p) => {
    p.read(0, p.element);
    p.read(1, p.element);
  },
  'round.bf16': (p) => p.read(0, p.element),
  'quant.int8': (p) => {
    const width = attribute(p, 1);
    const row = p.node.output === 1 ? p.element : Math.floor((4 * p.element) / width);
    p.read(0, row * width, width);
  },
  'dequant.int8': (p) => {
    p.read(0, Math.floor(p.element / 4));
    p.read(1, Math.floor(p.element / attribute(p, 1)));
  },
  draw: (p) => p.read(0, 0, 4),
};

/**
 * The leaves that the judge reads for an element, or for one chunk of its fold, in the order of inputs and
 * leaves. Throws RangeError for an operator that the judge does not know.
 */
export function neededLeaves(call: FoldInputs, element: number, chunk: number | undefined): NeededLeaf[] {
  const name = operatorName(call.node.op);
  if (name === undefined) throw new RangeError(`The judge knows no operator ${call.node.op}.`);
  const needed = call.node.lengths.map(() => new Set<number>());
  const read: Read = (input, start, count = 1, step = 1) => {
    const length = must(call.node.lengths, input);
    for (let i = 0, at = start; i < count; i++, at += step) {
      // The judge reads elements past the end as 0; they are in no leaf.
      if (at < length) must(needed, input).add(Math.floor(at / LEAF_ELEMENTS));
    }
  };
  READERS[name]({ ...call, element, chunk: chunk ?? 0, read });
  return needed.flatMap((leaves, input) =>
    [...leaves].sort((a, b) => a - b).map((leaf) => ({ input, leaf })),
  );
}
