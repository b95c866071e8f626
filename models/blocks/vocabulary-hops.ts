/**
 * The hops of a microbatch over a vocabulary in parts, in place of those of the whole table: every part looks
 * up its own tokens and gives its own log-sum, and the embedding's block puts them together. docs/blocks.md
 * has the rules [B-18], [B-19].
 */
import type { Words } from '../../compute/repops/recipe.ts';
import type { BatchShape, GradientOptions } from '../decoder/decoder.ts';
import { type BlockPlan, embeddingBlock, partBlocks } from './block-plan.ts';
import type { StepBuilder } from './hop.ts';
import type { HopShape } from './hop-programs.ts';
import { absenceBias, rowsOfTokens } from './vocabulary-part.ts';
import {
  absenceName,
  columnName,
  gatherProgram,
  logitsBackwardProgram,
  logitsProgram,
  lookupProgram,
  normalizeBackwardProgram,
  normalizeProgram,
  partsLossProgram,
  ZERO_COLUMNS,
  ZERO_SUMS,
} from './vocabulary-programs.ts';

type Names = Readonly<Record<string, string>>;

export interface VocabularyHopsOptions {
  readonly b: StepBuilder;
  readonly plan: BlockPlan;
  readonly shape: HopShape;
  readonly objective: Pick<GradientOptions, 'objective' | 'policy'>;
  /** The recipe's tensors for a program's port of that name. */
  readonly at: (port: string, tensor: string) => Names;
  /** As `at`, for the hop that writes them. */
  readonly from: (port: string, tensor: string) => Names;
}

/** Adds the hops of looking up microbatch `m`'s tokens, whose rows are the tensor `output`. */
export function lookupHops(o: VocabularyHopsOptions, m: number, output: string): void {
  const { b, plan, shape } = o;
  const parts = partBlocks(plan);
  const part = (k: number) => `embedded.${m}.${k}`;
  for (const [k, block] of parts.entries()) {
    b.hop(
      { kind: 'lookup', block, microbatch: m },
      b.program(`lookup ${k}`, () => lookupProgram(plan, block, shape)),
      { tokens: `tokens.${m}.${k}`, ...o.from('output', part(k)) },
    );
  }
  b.hop(
    { kind: 'gather', block: embeddingBlock(plan), microbatch: m },
    b.program('gather', () => gatherProgram(plan, parts.length, shape)),
    { ...each(parts.length, (k) => o.at(`input.${k}`, part(k))), ...o.from('output', output) },
  );
}

/** Adds the hops of microbatch `m`'s loss, from the tensor `input` to its gradient `inputGradient`. */
export function lossHops(
  o: VocabularyHopsOptions,
  m: number,
  { input, inputGradient }: { readonly input: string; readonly inputGradient: string },
): void {
  const { b, plan, shape, objective } = o;
  const [embedding, parts] = [embeddingBlock(plan), partBlocks(plan)];
  const isPolicy = objective.objective === 'policy';
  const N = shape.batch * shape.length;
  const normed = `normed.${m}`;
  const share = (k: number) => `normed.gradient.${m}.${k}`;
  b.hop(
    { kind: 'normalize', block: embedding, microbatch: m },
    b.program('normalize', () => normalizeProgram(plan, shape)),
    { ...o.at('input', input), ...o.from('output', normed) },
  );
  for (const [k, block] of parts.entries()) {
    b.hop(
      { kind: 'logits', block, microbatch: m },
      b.program(`logits ${k}`, () => logitsProgram(plan, block, shape)),
      {
        ...o.at('input', normed),
        targets: `targets.${m}.${k}`,
        lse: b.between(`lse.${m}.${k}`, [N]),
        target: b.between(`target.${m}.${k}`, [N]),
      },
    );
  }
  b.hop(
    { kind: 'loss', block: embedding, microbatch: m },
    b.program('parts loss', () => partsLossProgram(plan, parts.length, shape, objective)),
    {
      ...each(parts.length, (k) => ({
        [`lse.${k}`]: `lse.${m}.${k}`,
        [`target.${k}`]: `target.${m}.${k}`,
      })),
      weights: `weights.${m}`,
      lse: b.between(`lse.${m}`, [N]),
      loss: b.between(`loss.${m}`, [1]),
      logprobs: b.between(`logprobs.${m}`, [N]),
      ...(isPolicy
        ? {
            advantages: `advantages.${m}`,
            oldLogprobs: `oldLogprobs.${m}`,
            coefficient: b.between(`coefficient.${m}`, [N]),
          }
        : {}),
    },
  );
  for (const [k, block] of parts.entries()) {
    b.hop(
      { kind: 'logits.backward', block, microbatch: m },
      b.program(`logits backward ${k}`, () => logitsBackwardProgram(plan, block, shape)),
      {
        ...o.at('input', normed),
        targets: `targets.${m}.${k}`,
        lse: `lse.${m}`,
        coefficient: isPolicy ? `coefficient.${m}` : `weights.${m}`,
        ...o.from('input.gradient', share(k)),
      },
    );
  }
  b.hop(
    { kind: 'normalize.backward', block: embedding, microbatch: m },
    b.program('normalize backward', () => normalizeBackwardProgram(plan, parts.length, shape)),
    {
      ...o.at('input', input),
      ...each(parts.length, (k) => o.at(`share.${k}`, share(k))),
      ...o.from('input.gradient', inputGradient),
    },
  );
}

function each(count: number, names: (k: number) => Names): Names {
  return Object.assign({}, ...Array.from({ length: count }, (_, k) => names(k)));
}

/** Content that is the same in all steps of a plan, by name, with its shape. None where tables are whole. */
export function vocabularyConstants(
  plan: BlockPlan,
  { batch, length }: BatchShape,
): readonly { readonly name: string; readonly shape: readonly number[]; readonly make: () => Words }[] {
  const parts = partBlocks(plan);
  if (parts.length === 0) return [];
  const N = batch * length;
  const columns = N * parts.length;
  return [
    { name: ZERO_SUMS, shape: [N], make: () => new Float32Array(N) },
    { name: ZERO_COLUMNS, shape: [columns, 1], make: () => new Float32Array(columns) },
    ...parts.map((block) => ({
      name: absenceName(block),
      shape: [block.part.rows],
      make: () => absenceBias(block.part),
    })),
    ...parts.map((_, k) => ({ name: columnName(k), shape: [N], make: () => new Uint32Array(N).fill(k) })),
  ];
}

/** Names of a microbatch's tokens or targets in a step's data: one, or one for each part. */
export function idNames(plan: BlockPlan, what: 'tokens' | 'targets', m: number): readonly string[] {
  const parts = partBlocks(plan);
  return parts.length === 0 ? [`${what}.${m}`] : parts.map((_, k) => `${what}.${m}.${k}`);
}

/** A microbatch's tokens or targets as a step's data has them, by the names of `idNames`. */
export function idData(
  plan: BlockPlan,
  what: 'tokens' | 'targets',
  m: number,
  ids: Uint32Array,
): ReadonlyMap<string, Uint32Array> {
  const parts = partBlocks(plan);
  if (parts.length === 0) return new Map([[`${what}.${m}`, ids]]);
  return new Map(parts.map(({ part }, k) => [`${what}.${m}.${k}`, rowsOfTokens(ids, part)]));
}
