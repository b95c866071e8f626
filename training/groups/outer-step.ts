/**
 * The outer step between groups that train apart, of NoLoCo (arXiv 2506.10911), as a program of operators
 * that the judge knows.
 *
 * A group keeps its weights w, the weights v after its last outer step, and a momentum m. Every so many
 * optimizer steps it takes the mean of the changes and of the v of both partners:
 *
 *     m <- momentum m + rate ((w - v) + (w' - v')) / 2 + rate ((v + v') / 2 - v)
 *     v <- v + m, w <- v
 *
 * With one rate for both terms, as the published program has it, everything of the partner but w' cancels
 * out: m <- momentum m + rate ((w + w') / 2 - v). So each partner sends one tensor, not two, once. The
 * momentum is kept in units of rate / 2, so that two operators that exist, `add` and `add.scaled`, are all it
 * takes.
 *
 * - **[NL-3]** The sum add(w, w') is add(w', w), so both partners have the same bits of the mean, and each
 *   can compute the other's step.
 * - **[NL-4]** A group without a partner takes the step with itself as the partner. It is the same formula
 *   with the same bits.
 */
import { canon, mul, sub } from '../../compute/repops/arithmetic.ts';
import { elementCount, type Program } from '../../compute/repops/program.ts';
import type { RecipeBuilder } from '../../compute/repops/recipe.ts';
import { ProgramBuilder } from '../../models/decoder/builder.ts';
import type { ParameterSpec } from '../../models/decoder/config.ts';

/** Prefixes of the names of the tensors that belong to a parameter. */
export const OUTER = 'outer.';
export const OUTER_MOMENTUM = 'outer.momentum.';
export const PARTNER = 'partner.';

export interface OuterSettings {
  /** Share of the momentum that is kept, 0 to 1. Defaults to 0.5. */
  readonly momentum?: number;
  /** Defaults to 0.7. */
  readonly rate?: number;
}

/** An outer step that cannot be. The message tells the remedy. */
export class OuterStepError extends Error {
  override readonly name = 'OuterStepError';
}

function constantsOf({ momentum = 0.5, rate = 0.7 }: OuterSettings) {
  if (!(momentum >= 0 && momentum < 1)) {
    throw new OuterStepError(`The outer momentum must be at least 0 and below 1, not ${momentum}.`);
  }
  if (!(rate > 0 && rate <= 2)) {
    throw new OuterStepError(`The outer rate must be above 0 and at most 2, not ${rate}.`);
  }
  return { decay: sub(canon(momentum), 1), half: mul(canon(rate), 0.5) };
}

/**
 * The program of an outer step, in place on `<name>`, `outer.<name>` and `outer.momentum.<name>` of each
 * parameter. `pair` reads `partner.<name>`, the partner's weights. Throws OuterStepError for settings out of
 * range.
 */
export function outerStepProgram(
  kind: 'pair' | 'self',
  specs: readonly ParameterSpec[],
  settings: OuterSettings = {},
): Program {
  const { decay, half } = constantsOf(settings);
  const b = new ProgramBuilder();
  for (const { name, shape } of specs) {
    const len = elementCount(shape);
    const weights = b.bound(name, shape);
    const outer = b.bound(`${OUTER}${name}`, shape);
    const momentum = b.bound(`${OUTER_MOMENTUM}${name}`, shape);
    const partner = kind === 'pair' ? b.bound(`${PARTNER}${name}`, shape) : weights;
    const [sum, pull] = [b.temporary(`sum.${name}`, shape), b.temporary(`pull.${name}`, shape)];
    const change = b.temporary(`change.${name}`, shape);
    b.node('add', { len }, [weights, partner], [sum]);
    b.node('add.scaled', { len, scale: -2 }, [sum, outer], [pull]);
    b.node('add.scaled', { len, scale: decay }, [pull, momentum], [change]);
    b.node('add', { len }, [momentum, change], [momentum]);
    b.node('add.scaled', { len, scale: half }, [outer, momentum], [weights]);
    b.node('add.scaled', { len, scale: half }, [outer, momentum], [outer]);
  }
  return b.build(`outer step, ${kind}`);
}

/**
 * Adds an outer step to a recipe whose state has the parameters and their outer tensors. The partner's
 * weights become data of the step, so that a record of its root binds them, and a false one is the partner's.
 */
export function addOuterStep(
  recipe: RecipeBuilder,
  kind: 'pair' | 'self',
  specs: readonly ParameterSpec[],
  settings: OuterSettings = {},
): void {
  if (kind === 'pair') for (const { name, shape } of specs) recipe.data(`${PARTNER}${name}`, shape);
  recipe.run(outerStepProgram(kind, specs, settings));
}
