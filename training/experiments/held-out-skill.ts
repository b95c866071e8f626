/** How often peers of an experiment are right, by sampling and by their most likely answers. */
import { must } from '../../protocol/must.ts';
import { RandomStream } from '../../protocol/philox.ts';
import type { Policy } from '../policy-model.ts';
import { sample, sampleGreedy } from '../sampling.ts';
import type { TaskItem } from '../tasks/task.ts';

/** Skill on held-out questions. Each is a share from 0 to 1, the mean over the peers that were measured. */
export interface HeldOutSkill {
  readonly round: number;
  /** Answers sampled at temperature 1 that are right. */
  readonly sampled: number;
  /** The same of each task. */
  readonly sampledByTask: Readonly<Record<string, number>>;
  /** Questions whose most likely answer is right. */
  readonly greedy: number;
  /** Questions of which at least one of four sampled answers is right. */
  readonly passAt4: number;
}

const TRIES = 4;
const SEED = new TextEncoder().encode('starling experiment, held out');

/** The mean; 0 of no values. */
export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}

/** Shares of right answers of four tries per question, drawn by the seed. */
export async function trySkill(
  policy: Policy,
  items: readonly TaskItem[],
  seed: Uint8Array = SEED,
): Promise<Pick<HeldOutSkill, 'sampled' | 'sampledByTask' | 'passAt4'>> {
  const { format } = policy;
  const stream = RandomStream.named({ seed, round: 0, device: '', purpose: 'sampling' });
  const requests = items.flatMap((question, item) => {
    const prompt = format.answer(question);
    return Array.from({ length: TRIES }, (_, attempt) => ({ prompt, item, sample: attempt }));
  });
  const maxTokens = format.maxTokens.answer;
  const drawn = await sample(policy, requests, stream, { temperature: 1, maxTokens });
  const rightTries = items.map(
    (item, index) =>
      drawn.slice(index * TRIES, (index + 1) * TRIES).filter(({ text }) => item.check(text) === 1).length,
  );
  const ofTask = (task: string) => rightTries.filter((_, index) => must(items, index).task === task);
  const tasks = [...new Set(items.map(({ task }) => task))];
  return {
    sampled: mean(rightTries) / TRIES,
    sampledByTask: Object.fromEntries(tasks.map((task) => [task, mean(ofTask(task)) / TRIES])),
    passAt4: mean(rightTries.map((count) => (count > 0 ? 1 : 0))),
  };
}

/** The skill of these peers before that round, on held-out questions. */
export async function measureSkill(
  policies: readonly Policy[],
  items: readonly TaskItem[],
  round: number,
): Promise<HeldOutSkill> {
  const skills: Omit<HeldOutSkill, 'round'>[] = [];
  for (const policy of policies) {
    const { format } = policy;
    const prompts = items.map((item) => format.answer(item));
    const best = await sampleGreedy(policy, prompts, { maxTokens: format.maxTokens.answer });
    skills.push({
      greedy: mean(items.map((item, index) => (item.check(must(best, index)) === 1 ? 1 : 0))),
      ...(await trySkill(policy, items)),
    });
  }
  return {
    round,
    sampled: mean(skills.map((skill) => skill.sampled)),
    sampledByTask: meanOf(skills.map((skill) => skill.sampledByTask)),
    greedy: mean(skills.map((skill) => skill.greedy)),
    passAt4: mean(skills.map((skill) => skill.passAt4)),
  };
}

/** The mean of each field. All records have the same fields. */
function meanOf(records: readonly Readonly<Record<string, number>>[]): Readonly<Record<string, number>> {
  const names = Object.keys(must(records, 0));
  const field = (record: Readonly<Record<string, number>>, name: string): number => {
    const value = record[name];
    if (value === undefined) throw new RangeError(`A record lacks ${name}, which the first one has.`);
    return value;
  };
  return Object.fromEntries(names.map((name) => [name, mean(records.map((record) => field(record, name)))]));
}
