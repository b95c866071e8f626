import type { Job } from '../../chain/jobs/job.ts';
import { formatSpan, plural } from '../ui/format.ts';
import type { Funding } from './market.ts';
import type { ClaimView } from './shown-claims.ts';

/** One step in the life of a task, and whether it is reached. */
export interface TaskStage {
  readonly name: string;
  readonly state: 'done' | 'now' | 'ahead' | 'missed';
  /** A few words about it; empty where there is nothing to say. */
  readonly note: string;
}

/** What anybody may do next. Those who pledged may do more (`pledgeAction`). */
export type NextAction = 'pledge' | 'hand-over' | 'work' | 'accept' | 'reopen' | 'expire';

export interface TaskLife {
  readonly stages: readonly TaskStage[];
  readonly next: NextAction | null;
  /** One sentence: where the task stands. */
  readonly sentence: string;
}

export interface TaskFacts {
  readonly funding: Funding;
  readonly job: Job | undefined;
  /** The claim behind the delivery. */
  readonly claim: ClaimView | undefined;
  /** Chain time, Unix seconds. */
  readonly now: number;
}

/** Where a crowdfunded task stands and what comes next. Pure. */
export function lifeOf({ funding, job, claim, now }: TaskFacts): TaskLife {
  const pledged = plural(funding.pledgeCount, 'pledge');
  const line = (at: number, notes: Partial<Record<number, string>>, missed = false): readonly TaskStage[] =>
    ['Funded', 'Claimed', 'Delivered', 'Undisputed', 'Paid'].map((name, i) => ({
      name,
      state: i < at ? 'done' : i > at ? 'ahead' : missed ? 'missed' : 'now',
      note: notes[i] ?? '',
    }));
  switch (funding.state) {
    case 'raising':
      return {
        stages: line(0, { 0: `${pledged}, ${formatSpan(funding.deadline - now)} left` }),
        next: 'pledge',
        sentence: 'Collecting pledges. If the goal is missed, every pledge goes back in full.',
      };
    case 'reached':
      return {
        stages: line(0, { 0: `${pledged}, goal reached` }),
        next: 'hand-over',
        sentence: 'The goal is reached. Anybody may post the job now.',
      };
    case 'failed':
      return {
        stages: line(0, { 0: 'goal missed' }, true),
        next: null,
        sentence: 'The goal was missed in time. Every pledge can be taken back.',
      };
    case 'handed-over':
    case 'ended':
      break;
  }
  if (job === undefined)
    return { stages: line(1, {}), next: null, sentence: 'Looking for the job on the chain.' };
  const funded = { 0: pledged };
  switch (job.state) {
    case 'open': {
      const late = now > job.claimBy;
      return {
        stages: line(
          1,
          { ...funded, 1: late ? 'nobody came in time' : `${formatSpan(job.claimBy - now)} left` },
          late,
        ),
        next: late ? 'expire' : 'work',
        sentence: late
          ? 'Nobody claimed it in time. Close it, and the pledges go back.'
          : 'Waiting for a device that does the training.',
      };
    }
    case 'claimed':
      return {
        stages: line(
          2,
          { ...funded, 2: job.failed ? 'the worker is late' : `${formatSpan(job.deliverBy - now)} left` },
          job.failed,
        ),
        next: job.failed ? (now > job.claimBy ? 'expire' : 'reopen') : null,
        sentence: job.failed
          ? 'The worker let its time run out and loses its bond.'
          : 'A device is training. Its bond is at stake until it delivers.',
      };
    case 'delivered': {
      if (job.failed) {
        return {
          stages: line(3, { ...funded, 3: 'beaten in a dispute' }, true),
          next: now > job.claimBy ? 'expire' : 'reopen',
          sentence: 'The delivered result was proved wrong. The worker’s bonds are lost; the money is safe.',
        };
      }
      const games = claim?.liveGames ?? 0;
      const left = (claim?.windowEnd ?? now) - now;
      const over = claim !== undefined && left < 0 && games === 0;
      return {
        stages: line(3, {
          ...funded,
          3: games > 0 ? `${games} in dispute` : over ? 'nobody objected' : `${formatSpan(left)} to object`,
        }),
        next: over ? 'accept' : null,
        sentence:
          games > 0
            ? 'Somebody got another result. The contract decides who is right.'
            : over
              ? 'Nobody proved it wrong within the window. Anybody may have the worker paid.'
              : 'Delivered. Anybody who computes something else can object until the window is over.',
      };
    }
    case 'accepted':
      return {
        stages: line(5, { ...funded, 4: 'worker paid, shares made' }),
        next: null,
        sentence: 'Done: the worker is paid, and the model belongs to those who funded and trained it.',
      };
    case 'expired':
    case 'cancelled':
      return {
        stages: line(1, { ...funded, 1: 'nobody delivered' }, true),
        next: null,
        sentence: 'Nobody delivered. Every pledge can be taken back, with the bonds of those who failed.',
      };
  }
}

/** What a pledger may do with a pledge now. */
export function pledgeAction(funding: Funding, settled: boolean): 'refund' | 'collect' | null {
  if (settled) return null;
  if (funding.state === 'failed') return 'refund';
  return funding.state === 'ended' ? 'collect' : null;
}
