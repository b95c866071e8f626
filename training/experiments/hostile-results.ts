/** The table of the experiment "hostile": what hostile members cost honest ones. */
import { must } from '../../protocol/must.ts';
import { mean } from './held-out-skill.ts';
import type { Attack } from './hostile-answers.ts';
import type { HostileRunResult } from './hostile-run.ts';
import { pairedDifference } from './paired-ratio.ts';

/**
 * The rules of training: foreign samples drawn evenly of all, with a bound on each author, and with a floor
 * of their likelihood beside it.
 */
export const HOSTILE_RULES = ['samples', 'authors', 'likely'] as const;
export type HostileRule = (typeof HOSTILE_RULES)[number];

/** One finished run. `none`: the hostile members stay away. */
export interface HostilePart {
  readonly rule: HostileRule;
  readonly hostile: number;
  readonly honest: number;
  readonly attack: Attack | 'none';
  readonly seed: number;
  readonly result: HostileRunResult;
}

/** The names of the rules on the page. */
const RULES: Readonly<Record<HostileRule, string>> = {
  samples: 'before',
  authors: 'bound',
  likely: 'bound and floor',
};

/** A row for each attack and number of hostile members, with all rules, the means over the seeds of each. */
export function hostileTable(parts: readonly HostilePart[]): string {
  const rows = new Map<string, HostilePart>();
  for (const part of parts) rows.set(`${part.hostile} ${part.honest} ${part.attack}`, part);
  const lines = [...rows.values()].map(({ hostile, honest, attack }) => {
    const of = (rule: HostileRule) =>
      parts.filter(
        (part) =>
          part.rule === rule && part.hostile === hostile && part.honest === honest && part.attack === attack,
      );
    const away = (rule: HostileRule, { seed }: HostilePart) =>
      parts.find(
        (part) =>
          part.rule === rule && part.attack === 'none' && part.honest === honest && part.seed === seed,
      );
    const cells = HOSTILE_RULES.flatMap((rule) => {
      const runs = of(rule);
      const paired = runs.flatMap((run) => {
        const other = away(rule, run);
        return other === undefined ? [] : [{ run, other }];
      });
      return [
        runs.length === 0
          ? 'not run'
          : `${percents(runs.map(sampledOf))}; ${percent(mean(runs.map(({ result }) => result.skill.greedy)))}`,
        attack === 'none' || paired.length === 0
          ? ''
          : difference(
              paired.map(({ run }) => sampledOf(run)),
              paired.map(({ other }) => sampledOf(other)),
            ),
      ];
    });
    const who = attack === 'none' ? `${honest} honest members alone` : `${hostile} of 10: ${attack}`;
    return `| ${[who, ...cells].join(' | ')} |`;
  });
  const names = HOSTILE_RULES.flatMap((rule) => [`${RULES[rule]}: sampled; greedy, %`, 'points from alone']);
  return [`| members | ${names.join(' | ')} |`, `| --- |${' ---: |'.repeat(names.length)}`, ...lines].join(
    '\n',
  );
}

function sampledOf({ result }: HostilePart): number {
  return result.skill.sampled;
}

function percent(share: number): string {
  return (100 * share).toFixed(1);
}

/** The mean, and each where there are several. */
function percents(shares: readonly number[]): string {
  const all = shares.map(percent).join(', ');
  return shares.length === 1 ? `**${percent(must(shares, 0))}**` : `**${percent(mean(shares))}** (${all})`;
}

function difference(a: readonly number[], b: readonly number[]): string {
  const { mean: points, interval } = pairedDifference(a, b);
  const signed = (value: number): string => `${value > 0 ? '+' : ''}${(100 * value).toFixed(1)}`;
  return interval === undefined ? signed(points) : `${signed(points)} [${interval.map(signed).join(', ')}]`;
}
