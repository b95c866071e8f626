/**
 * How often an invocation goes round the loops of a kernel. Mesa's software driver (llvmpipe) ends every loop once eight
 * neighbouring invocations have gone round their loops 65,535 times together, nested and following ones counted alike, without an
 * error (docs/decisions/0005-webgpu-bits.md). So no step may ask for more than `MAX_ROUNDS`; planners cut longer work into steps.
 */
import { FOLD_BLOCK } from '../../../repops/arithmetic.ts';
import { type TileShape, tileSides } from '../tuning/tuning.ts';
import type { Step } from './steps.ts';

/** The most rounds of an invocation of any step; somewhat below what llvmpipe allows. */
export const MAX_ROUNDS = 60_000;

/** Rounds of a loop that goes round `times` times with `inner` rounds in its body. The look that ends it counts as one. */
const loop = (times: number, inner = 0): number => times * (1 + inner) + 1;
const blocksOf = (length: number): number => Math.ceil(length / FOLD_BLOCK);

/** How many blocks of 64 a fold may have for each invocation to stay within the bound, at `each` rounds a block. At least 1. */
export function mostBlocks(each: number, besides: number): number {
  return Math.max(1, Math.floor((MAX_ROUNDS - besides - 1) / (1 + each)));
}

/** One Newton iteration of shaders/lib/functions.wgsl's recip or rsqrt. */
const NEWTON = loop(4);
/** A fold block of shaders/lib/tile.wgsl. */
const TILE_BLOCK = loop(8, loop(8));
/** `seen_by` of the attention kernels. */
const SEEN = loop(32);
/** Four by four outputs. */
const OUTPUTS = loop(4, loop(4));

/** Rounds of matmul.tile within one fold block. */
export function tileBlockRounds(shape: TileShape): number {
  const [m, n] = tileSides(shape);
  const patches = ((m + n) / 4) * (shape.step / 4);
  const fills = Math.ceil(patches / (shape.lanesM * shape.lanesN));
  return loop(FOLD_BLOCK / shape.step, loop(fills) + loop(shape.step));
}

/** Rounds of matmul.direct within one fold block, whose terms are paired. */
export const DIRECT_BLOCK = loop(FOLD_BLOCK / 2);
/** Words that an invocation of matmul.pack makes. */
export const PACKED_PAIRS = 16;

/** Rounds of matmul.thin in each of its outermost loop's, which is `lanesK` fold blocks, and what it does once. */
export function thinRoundRounds(rows: number, lanesK: number): number {
  return loop(FOLD_BLOCK / 4) + rows * loop(lanesK);
}
export const THIN_BESIDES = 8 * loop(4);

/** Rounds of attention.rows, when a workgroup folds all keys. */
export function attentionRowsRounds(Tk: number): number {
  return SEEN + loop(blocksOf(Tk), TILE_BLOCK) + OUTPUTS;
}

/** Rounds of attention.keys for each fold block of rows, and for what it does once. */
export const KEYS_BLOCK = loop(FOLD_BLOCK) + 2 * TILE_BLOCK;
export const KEYS_BESIDES = OUTPUTS + 8 * loop(4);

/** The block sums of a row, read 64 at a time and added by one invocation. */
const rowSum = (blocks: number): number => blocks + 2 * blocksOf(blocks) + 1;

/** Rounds by the numbers in a kernel's Params after `zero`. */
type Rounds = (params: readonly number[], entry: string, constants: Constants) => number;
type Constants = Readonly<Record<string, number>>;

const none: Rounds = () => 0;
const at = (params: readonly number[], index: number): number => params[index] ?? 0;

const ROUNDS: Readonly<Record<string, Rounds>> = {
  adamw: () => 2 * NEWTON,
  add: none,
  'add.scaled': none,
  'attention.combine': (p) => loop(blocksOf(at(p, 3))),
  'attention.keys': (p) => loop(at(p, 14), loop(blocksOf(at(p, 9)), KEYS_BLOCK)) + KEYS_BESIDES,
  'attention.rows': (p, entry) => attentionRowsRounds(entry === 'split' ? FOLD_BLOCK : at(p, 3)),
  'attention.scores': (p) => SEEN + loop(blocksOf(at(p, 6)), TILE_BLOCK) + OUTPUTS,
  'attention.slopes': (p) => SEEN + loop(blocksOf(at(p, 6)), 2 * TILE_BLOCK) + OUTPUTS,
  'attention.softmax': (p, entry) => {
    if (entry === 'short') return 2 * loop(at(p, 3)) + NEWTON;
    const lanes = loop(Math.ceil(at(p, 3) / 256));
    return 2 * lanes + loop(63) + loop(Math.ceil(at(p, 3) / 4096), 2 * loop(FOLD_BLOCK)) + NEWTON;
  },
  'bias.add': none,
  'cache.write': none,
  'clip.scale': (p) => loop(at(p, 0)) + 2 * NEWTON,
  embed: none,
  'embed.grad': (p) => loop(Math.min(at(p, 0) - at(p, 2), at(p, 3))),
  'embed.sort': () => 2 * loop(2) + loop(7) + 7 * loop(7),
  'fold.block': () => loop(FOLD_BLOCK),
  'fold.columns': () => loop(FOLD_BLOCK),
  'fold.combine': (p) => loop(at(p, 1)) + NEWTON,
  'matmul.direct': (p) => loop(Math.ceil(at(p, 2) / (FOLD_BLOCK / 2)), DIRECT_BLOCK),
  'matmul.pack': () => loop(PACKED_PAIRS),
  'matmul.thin': (p, _, c) =>
    loop(
      Math.ceil(blocksOf(at(p, 2) - at(p, 5)) / (c.LANES_K ?? 1)),
      thinRoundRounds(c.ROWS ?? 0, c.LANES_K ?? 0),
    ) + THIN_BESIDES,
  'matmul.tile': (p, _, c) => {
    const shape: TileShape = {
      rows4: c.ROWS4 ?? 0,
      cols4: c.COLS4 ?? 0,
      lanesM: c.LANES_M ?? 0,
      lanesN: c.LANES_N ?? 0,
      step: c.STEP ?? 0,
    };
    const blocks = at(p, 9) > 1 ? 1 : blocksOf(at(p, 2) - at(p, 10));
    return loop(blocks, tileBlockRounds(shape));
  },
  'policy.coefficient': none,
  'rms.apply': none,
  'rms.grad.x': (p, entry) => (entry === 'main' ? 0 : loop(entry === 'row' ? at(p, 2) : FOLD_BLOCK)),
  rope: none,
  sample: (p) => rowSum(at(p, 2)) + 2 * loop(at(p, 2)) + loop(FOLD_BLOCK) + NEWTON,
  'sample.filter': (p, entry) => {
    if (entry === 'sums') return loop(FOLD_BLOCK);
    return entry === 'choose' ? loop(Math.ceil(at(p, 2) / 8)) + loop(15) : 0;
  },
  'sha256.leaves': () => loop(65, loop(4)),
  'sha256.nodes': () => Math.max(loop(8), 2 * loop(4)),
  'softmax.max': (p, entry) => (entry === 'block' ? loop(63) : loop(blocksOf(at(p, 2))) + loop(63)),
  'softmax.sum': () => loop(FOLD_BLOCK),
  swiglu: () => NEWTON,
  'swiglu.grad': () => NEWTON,
  'xent.grad': none,
  'xent.logprob': none,
  'xent.lse': (p) => rowSum(at(p, 1)) + NEWTON,
};

/** The most that an invocation of a step goes round its loops. Throws where a kernel is not in the table. */
export function roundsOf(step: Extract<Step, { kind: 'dispatch' }>): number {
  const rounds = ROUNDS[step.kernel];
  if (rounds === undefined) throw new Error(`say in rounds.ts how often ${step.kernel} goes round its loops`);
  return rounds(step.params, step.entry, step.constants ?? {});
}
