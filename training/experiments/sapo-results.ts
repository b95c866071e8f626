/** Works the measured parts of the experiment "sapo" into figures, a table and a picture. */
import { must } from '../../protocol/must.ts';
import { type Curve, drawCurves } from './chart.ts';
import type { LearningResult } from './learning-run.ts';
import { type PairedRatio, pairedRatio } from './paired-ratio.ts';
import { SAPO_ARMS, type SapoArmName, type Tuning } from './sapo-arms.ts';

/** One arm as it was measured. */
export interface ArmFigures {
  readonly arm: SapoArmName;
  /** Chosen on the tuning seed, which is left out of `runs`. */
  readonly tuning: Tuning;
  /** By seed, in one order for all arms. */
  readonly runs: readonly LearningResult[];
}

const percent = (share: number) => (100 * share).toFixed(1);
const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
const lastSkill = ({ skill }: LearningResult) => must(skill, skill.length - 1);

/** Ratio of two arms' rewards over the seeds that both have. Undefined when one of them was not run. */
export function gainOf(
  arms: readonly ArmFigures[],
  arm: SapoArmName,
  over: SapoArmName,
): PairedRatio | undefined {
  const [a, b] = [arm, over].map((name) => arms.find((figures) => figures.arm === name)?.runs ?? []);
  const pairs = Math.min(a?.length ?? 0, b?.length ?? 0);
  if (a === undefined || b === undefined || pairs === 0) return undefined;
  const rewards = (runs: readonly LearningResult[]) => runs.slice(0, pairs).map(({ reward }) => reward);
  return pairedRatio(rewards(a), rewards(b));
}

/** The pairs of arms that are compared. */
const RATIOS: readonly (readonly [SapoArmName, SapoArmName])[] = [
  ['C', 'A'],
  ['C', 'B'],
  ['D', 'A'],
  ['E', 'A'],
  ['C', 'F'],
  ['G', 'A'],
  ['P', 'A'],
  ['C15', 'A15'],
  ['C50', 'A50'],
  ['V', 'U'],
  ['MC', 'MA'],
];

function ratioText({ mean: ratio, interval, ratios }: PairedRatio): string {
  const each = ratios.map((value) => value.toFixed(2)).join(', ');
  const bounds = interval === undefined ? '' : ` [${interval.map((bound) => bound.toFixed(2)).join(', ')}]`;
  return `${ratio.toFixed(2)}${bounds}; each seed: ${each}`;
}

/** The figures as Markdown. Arms without runs are listed as not run. */
export function figuresText(arms: readonly ArmFigures[], rounds: number): string {
  const rows = (Object.keys(SAPO_ARMS) as SapoArmName[]).map((name) => {
    const figures = arms.find(({ arm }) => arm === name);
    const { description } = SAPO_ARMS[name];
    if (figures === undefined || figures.runs.length === 0)
      return `| ${name} | ${description} | not run ||||||||||`;
    const { runs } = figures;
    const start = runs.map(({ skill }) => must(skill, 0));
    const end = runs.map(lastSkill);
    const triple = (of: typeof end) =>
      [of.map(({ sampled }) => sampled), of.map(({ greedy }) => greedy), of.map(({ passAt4 }) => passAt4)]
        .map((values) => percent(mean(values)))
        .join(' / ');
    const cells = [
      name,
      description,
      figures.tuning.learningRate,
      figures.tuning.steps,
      runs.length,
      mean(runs.map(({ sampled }) => sampled)).toFixed(0),
      mean(runs.map(({ trained }) => trained)).toFixed(0),
      mean(runs.map(({ cpuSeconds }) => cpuSeconds)).toFixed(2),
      percent(mean(runs.map(({ reward }) => reward))),
      triple(start),
      triple(end),
      runs.map((run) => percent(lastSkill(run).greedy - must(run.skill, 0).greedy)).join(', '),
    ];
    return `| ${cells.join(' | ')} |`;
  });
  const ratios = RATIOS.flatMap(([arm, over]) => {
    const ratio = gainOf(arms, arm, over);
    return ratio === undefined ? [] : [`| ${arm}/${over} | ${ratioText(ratio)} |`];
  });
  return [
    `${rounds} rounds. Reward: share of own fresh samples that are exactly right, mean of peers and rounds. Held out: 384`,
    'questions that nobody trains on, sampled / greedy / at least one of four right. All in %, but samples and CPU',
    'seconds, which are per peer and round.',
    '',
    '| arm | what | rate | steps | seeds | sampled | trained | CPU s | reward | held out, start | held out, end | greedy gained, each seed |',
    '| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- | --- | --- |',
    ...rows,
    '',
    '| rewards | geometric mean [95 % interval] |',
    '| --- | --- |',
    ...ratios,
  ].join('\n');
}

/** Arms of other starts are in the other picture. */
const COLOURS: Readonly<Partial<Record<SapoArmName, string>>> = {
  A: '#c2703d',
  B: '#8a6d1f',
  C: '#2f7d5b',
  D: '#3a6ea5',
  E: '#8b5a9f',
  F: '#6b7280',
};

/** Rounds over which the reward is averaged for the picture: one round's is noisy. */
const SMOOTHED = 3;

/** Reward over the rounds, mean of the seeds with the lowest and the highest, as an SVG. */
export function picture(arms: readonly ArmFigures[]): string {
  const curves = arms.flatMap(({ arm, runs }): Curve[] => {
    const colour = COLOURS[arm];
    const [first] = runs;
    if (colour === undefined || first === undefined) return [];
    const smooth = runs.map(({ rewardOfRounds }) =>
      rewardOfRounds.map((_, round) =>
        mean(rewardOfRounds.slice(Math.max(0, round + 1 - SMOOTHED), round + 1)),
      ),
    );
    const points = first.rewardOfRounds.map((_, round) => {
      const values = smooth.map((rewards) => must(rewards, round));
      return { x: round + 1, mean: mean(values), low: Math.min(...values), high: Math.max(...values) };
    });
    return [{ label: arm, colour, points }];
  });
  return drawCurves({
    title: `Own fresh samples that are right, ${SMOOTHED} rounds together: mean and range of the seeds`,
    xLabel: 'rounds',
    curves,
  });
}

/** The arms alone and in a swarm from starts of rising accuracy. */
const GAINS: readonly (readonly [SapoArmName, SapoArmName])[] = [
  ['C', 'A'],
  ['C15', 'A15'],
  ['C50', 'A50'],
];

/**
 * How many times the reward alone a swarm has, over the accuracy of the start, as an SVG: geometric mean with
 * the lowest and the highest seed. Undefined when fewer than two starts were run.
 */
export function gainPicture(arms: readonly ArmFigures[]): string | undefined {
  const points = GAINS.flatMap(([arm, over]) => {
    const ratio = gainOf(arms, arm, over);
    const runs = arms.find((figures) => figures.arm === over)?.runs ?? [];
    if (ratio === undefined) return [];
    const start = mean(runs.map(({ skill }) => must(skill, 0).sampled));
    return [{ x: start, mean: ratio.mean, low: Math.min(...ratio.ratios), high: Math.max(...ratio.ratios) }];
  });
  if (points.length < 2) return undefined;
  return drawCurves({
    title: 'Reward of a swarm of 8 over that of the same members alone: mean and range of the seeds',
    xLabel: 'start accuracy, sampled',
    curves: [{ label: 'C/A', colour: '#2f7d5b', points }],
    yStep: 1,
    yText: (value) => value.toFixed(value % 1 === 0 ? 0 : 1),
    xText: (value) => `${Math.round(100 * value)} %`,
  });
}
