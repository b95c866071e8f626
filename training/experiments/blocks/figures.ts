/** The figures of the experiment with blocks: ratios of perplexities that were paired by their seed. */
import { must } from '../../../protocol/must.ts';
import { type PairedRatio, pairedRatio } from '../paired-ratio.ts';
import type { Arm } from './arms.ts';
import type { ArmResult } from './run-blocks.ts';

/** A bar of issue 12, and how far above or below it the runs came. */
export interface Bar {
  readonly what: string;
  /** Largest ratio that was asked for. */
  readonly most: number;
  /** Undefined while no seed has finished both sides. */
  readonly ratio: PairedRatio | undefined;
}

type Figure = (result: ArmResult) => number | undefined;

const heldOut: Figure = (result) => result.heldOut;

const BARS: readonly {
  readonly what: string;
  readonly most: number;
  readonly of: readonly [Arm, Figure];
  readonly over: readonly [Arm, Figure];
}[] = [
  { what: 'a third skipped, over full', most: 1.02, of: ['skip', heldOut], over: ['full', heldOut] },
  {
    what: 'trained with skipping, 2 of 5 skippable stages missing, over none',
    most: 1.1,
    of: ['skip', ({ missing }) => missing?.two],
    over: ['skip', heldOut],
  },
  {
    what: 'trained with skipping, 3 of 5 skippable stages missing, over none',
    most: 1.1,
    of: ['skip', ({ missing }) => missing?.three],
    over: ['skip', heldOut],
  },
  {
    what: 'trained in full, 2 of 5 missing, over none (for comparison)',
    most: Number.POSITIVE_INFINITY,
    of: ['full', ({ missing }) => missing?.two],
    over: ['full', heldOut],
  },
  {
    what: 'NoLoCo, four groups, over one at four times the batch',
    most: 1.02,
    of: ['noloco', heldOut],
    over: ['full', heldOut],
  },
  {
    what: 'CheckFree with losses, over full',
    most: 1.03,
    of: ['checkfree', heldOut],
    over: ['full', heldOut],
  },
  {
    what: 'CheckFree with losses, over the same paths without',
    most: 1.03,
    of: ['checkfree', heldOut],
    over: ['swapped', heldOut],
  },
  {
    what: 'boundaries in bf16, over f32 (for comparison)',
    most: Number.POSITIVE_INFINITY,
    of: ['bf16', heldOut],
    over: ['full', heldOut],
  },
  {
    what: 'boundaries in int8, over f32 (for comparison)',
    most: Number.POSITIVE_INFINITY,
    of: ['int8', heldOut],
    over: ['full', heldOut],
  },
];

/** The bars, over the seeds that both sides finished. */
export function barsOf(results: readonly ArmResult[]): readonly Bar[] {
  return BARS.map(({ what, most, of, over }) => {
    const perplexity = ([arm, figure]: readonly [Arm, Figure], seed: number): number | undefined => {
      const result = results.find((one) => one.arm === arm && one.seed === seed);
      const loss = result === undefined ? undefined : figure(result);
      return loss === undefined ? undefined : Math.exp(loss);
    };
    const pairs = [...new Set(results.map(({ seed }) => seed))].flatMap((seed) => {
      const [a, b] = [perplexity(of, seed), perplexity(over, seed)];
      return a === undefined || b === undefined ? [] : [[a, b] as const];
    });
    const ratio =
      pairs.length === 0
        ? undefined
        : pairedRatio(
            pairs.map(([a]) => a),
            pairs.map(([, b]) => b),
          );
    return { what, most, ratio };
  });
}

const percent = (ratio: number): string => `${ratio >= 1 ? '+' : ''}${(100 * (ratio - 1)).toFixed(1)} %`;

/** The figures as tables of Markdown. */
export function figuresOf(results: readonly ArmResult[]): string {
  const rows = results.map((result) => {
    const { arm, seed, missing, repairs, spreads, losses, seconds } = result;
    const [first, last] = [spreads[0], spreads.at(-1)];
    const spread =
      first === undefined || last === undefined
        ? ''
        : `${first[0].toExponential(1)} → ${first[1].toExponential(1)}; ` +
          `${last[0].toExponential(1)} → ${last[1].toExponential(1)}`;
    const without =
      missing === undefined
        ? ''
        : `${Math.exp(missing.two).toFixed(3)}, ${Math.exp(missing.three).toFixed(3)}`;
    return [
      ...[
        arm,
        seed,
        Math.exp(result.heldOut).toFixed(3),
        without,
        must(losses, losses.length - 1).toFixed(3),
      ],
      ...[repairs === 0 ? '' : repairs, spread, Math.round(seconds)],
    ].join(' | ');
  });
  const bars = barsOf(results).map(({ what, most, ratio }) => {
    const interval = ratio?.interval;
    const got = ratio === undefined ? 'not run' : percent(ratio.mean);
    const range = interval === undefined ? '' : ` (${percent(interval[0])} to ${percent(interval[1])})`;
    const seeds = ratio?.ratios.length ?? 0;
    return `| ${what} | ${Number.isFinite(most) ? percent(most) : ''} | ${got}${range} | ${seeds} |`;
  });
  return [
    '| arm | seed | held-out perplexity | with 2, with 3 of 5 stages missing | last training loss | repairs | spread of weights ' +
      'around the first and the last outer step | seconds |',
    '| --- | --- | --- | --- | --- | --- | --- | --- |',
    ...rows.map((row) => `| ${row} |`),
    '',
    '| perplexity | at most | came out | seeds |',
    '| --- | --- | --- | --- |',
    ...bars,
  ].join('\n');
}
