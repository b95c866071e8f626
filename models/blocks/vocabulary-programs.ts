/**
 * The programs of hops over a vocabulary in parts: looking tokens up, and the loss, with a table that no
 * device has to hold whole. All operators are those of the whole table.
 */
import { elementCount, type Program } from '../../compute/repops/program.ts';
import { emitFinalNormBackward } from '../decoder/backward.ts';
import type { ProgramBuilder } from '../decoder/builder.ts';
import { emitObjective, type GradientOptions } from '../decoder/decoder.ts';
import { EMBEDDING, emitFinalNorm, FINAL_NORM, headName } from '../decoder/forward.ts';
import type { BlockPlan, PartBlock } from './block-plan.ts';
import { builderOf, type HopShape } from './hop-programs.ts';
import { partName } from './vocabulary-part.ts';

/** Names of tensors with the same content in all steps. */
export const ZERO_SUMS = 'vocabulary.zero.sums';
export const ZERO_COLUMNS = 'vocabulary.zero.columns';
export const columnName = (k: number) => `vocabulary.column.${k}`;
export const absenceName = ({ id }: Pick<PartBlock, 'id'>) => `vocabulary.absence.${id}`;

function declarePart(b: ProgramBuilder, plan: BlockPlan, { part }: PartBlock, table: string): string {
  return b.bound(partName(table, part), [part.rows, plan.config.hiddenSize], 'bf16');
}

/** Adds two or more tensors up in order: in the tensor `into`, or in a temporary. Returns its name. */
function emitSum(
  b: ProgramBuilder,
  terms: readonly string[],
  shape: readonly number[],
  into?: string,
): string {
  return terms.reduce((sum, term, i) => {
    const isLast = i === terms.length - 1;
    const total = (isLast ? into : undefined) ?? b.temporary(`sum.${i}`, shape);
    b.node('add', { len: elementCount(shape) }, [sum, term], [total]);
    return total;
  });
}

/** `tokens` -> `output`: the rows of the part's tokens, and +0 for others. */
export function lookupProgram(plan: BlockPlan, block: PartBlock, shape: HopShape): Program {
  const { b, d, departure, name } = builderOf(plan, shape, []);
  const table = declarePart(b, plan, block, EMBEDDING);
  const tokens = b.bound('tokens', [d.N], 'u32');
  departure('output', (into) => {
    const rows = into ?? b.temporary('embedded', [d.N, d.D]);
    b.node('embed', { N: d.N, V: block.part.rows, D: d.D }, [tokens, table], [rows]);
    return rows;
  });
  return b.build(name(`lookup ${block.id}`));
}

/** `input.<k>` for each part -> `output`, their sum, of which at most one is not +0. */
export function gatherProgram(plan: BlockPlan, parts: number, shape: HopShape): Program {
  const { b, d, arrival, departure, name } = builderOf(plan, shape, []);
  const terms = Array.from({ length: parts }, (_, k) => arrival(`input.${k}`));
  departure('output', (into) => emitSum(b, terms, [d.N, d.D], into));
  return b.build(name('gather'));
}

/** `input` -> `output`, through the final norm. */
export function normalizeProgram(plan: BlockPlan, shape: HopShape): Program {
  const { b, arrival, departure, name } = builderOf(plan, shape, [FINAL_NORM]);
  const input = arrival('input');
  departure('output', (into) => {
    const { batch, length } = shape;
    return emitFinalNorm(b, plan.config, { batch, length }, { plan: plan.weights, input, into }).normed;
  });
  return b.build(name('normalize'));
}

/** Emits the part's logits of `N` rows. Those of its rows of zeros are +0. Returns their name. */
function emitLogits(
  b: ProgramBuilder,
  plan: BlockPlan,
  block: PartBlock,
  { N, normed }: { readonly N: number; readonly normed: string },
): string {
  const [D, rows] = [plan.config.hiddenSize, block.part.rows];
  const table = declarePart(b, plan, block, headName(plan.config));
  const logits = b.temporary('logits', [N, rows]);
  b.node('matmul', { M: N, N: rows, K: D, transposeA: 0, transposeB: 1 }, [normed, table], [logits]);
  return logits;
}

/** Gives logits of the part's rows of zeros the lowest value, in place, so that no log-sum counts them. */
function emitAbsence(b: ProgramBuilder, { id, part }: PartBlock, N: number, logits: string): void {
  const D = part.rows;
  b.node('bias.add', { N, D }, [logits, b.bound(absenceName({ id }), [D])], [logits]);
}

/**
 * `input`, `targets` -> `lse`, the log of the sum of exp over the part's logits, and `target`, the logit of
 * each target that is in the part, and +0 for others.
 */
export function logitsProgram(plan: BlockPlan, block: PartBlock, shape: HopShape): Program {
  const { b, d, arrival, name } = builderOf(plan, shape, []);
  const { N } = d;
  const V = block.part.rows;
  const logits = emitLogits(b, plan, block, { N, normed: arrival('input') });
  const targets = b.bound('targets', [N], 'u32');
  // A log-probability is the logit less the log-sum. With a log-sum of +0 it is the logit itself.
  b.node('xent.logprob', { N, V }, [logits, b.bound(ZERO_SUMS, [N]), targets], [b.bound('target', [N])]);
  emitAbsence(b, block, N, logits);
  b.node('xent.lse', { N, V }, [logits], [b.bound('lse', [N])]);
  return b.build(name(`logits ${block.id}`));
}

/**
 * `lse.<k>` and `target.<k>` for each part, and the objective's data -> `lse` of the whole vocabulary,
 * `logprobs`, `loss`, and under the policy's objective `coefficient`.
 */
export function partsLossProgram(
  plan: BlockPlan,
  parts: number,
  shape: HopShape,
  objective: Pick<GradientOptions, 'objective' | 'policy'>,
): Program {
  const { b, d, name } = builderOf(plan, shape, []);
  const { N } = d;
  // The log-sums side by side: each part's goes to its place in every row.
  const columns = b.temporary('columns', [N * parts, 1]);
  const zero = b.bound(ZERO_COLUMNS, [N * parts, 1]);
  b.node('add', { len: N * parts }, [zero, zero], [columns]);
  const numbers = Array.from({ length: parts }, (_, k) => k);
  for (const k of numbers) {
    const place = b.bound(columnName(k), [N], 'u32');
    b.node(
      'cache.write',
      { B: N, Tk: parts, D: 1 },
      [columns, b.bound(`lse.${k}`, [N, 1]), place],
      [columns],
    );
  }
  const sums = b.temporary('sums', [N, parts]);
  b.node('add', { len: N * parts }, [columns, zero], [sums]);
  const lse = b.bound('lse', [N]);
  b.node('xent.lse', { N, V: parts }, [sums], [lse]);
  const logits = numbers.map((k) => b.bound(`target.${k}`, [N]));
  const target = emitSum(b, logits, [N]);
  const logprobs = b.bound('logprobs', [N]);
  b.node('add.scaled', { len: N, scale: -1 }, [target, lse], [logprobs]);
  emitObjective(b, { ...shape, ...objective, coefficient: 'bound' }, logprobs);
  return b.build(name(`loss ${objective.objective}`));
}

/** `input`, `targets`, `lse` of the whole vocabulary, `coefficient` -> the part's `input.gradient`. */
export function logitsBackwardProgram(plan: BlockPlan, block: PartBlock, shape: HopShape): Program {
  const { b, d, arrival, departure, name } = builderOf(plan, shape, []);
  const { N, D } = d;
  const rows = block.part.rows;
  const logits = emitLogits(b, plan, block, { N, normed: arrival('input') });
  emitAbsence(b, block, N, logits);
  const given = [b.bound('lse', [N]), b.bound('targets', [N], 'u32'), b.bound('coefficient', [N])];
  const dlogits = b.temporary('d.logits', [N, rows]);
  b.node('xent.grad', { N, V: rows }, [logits, ...given], [dlogits]);
  departure('input.gradient', (into) => {
    const share = into ?? b.temporary('d.normed', [N, D]);
    const product = { M: N, N: D, K: rows, transposeA: 0, transposeB: 0 };
    b.node('matmul', product, [dlogits, partName(headName(plan.config), block.part)], [share]);
    return share;
  });
  return b.build(name(`backward logits ${block.id}`));
}

/** `input`, `share.<k>` for each part -> `input.gradient`: their sum in order, through the final norm. */
export function normalizeBackwardProgram(plan: BlockPlan, parts: number, shape: HopShape): Program {
  const { b, d, arrival, departure, name } = builderOf(plan, shape, [FINAL_NORM]);
  const { config, weights } = plan;
  const { batch, length } = shape;
  const input = arrival('input');
  const shares = Array.from({ length: parts }, (_, k) => arrival(`share.${k}`));
  const dNormed = emitSum(b, shares, [d.N, d.D]);
  const { rstd } = emitFinalNorm(b, config, { batch, length }, { plan: weights, input });
  departure('input.gradient', (into) =>
    emitFinalNormBackward(b, config, {
      batch,
      length,
      storage: 'bound',
      plan: weights,
      dNormed,
      last: input,
      rstd,
      into,
    }),
  );
  return b.build(name('backward normalize'));
}
