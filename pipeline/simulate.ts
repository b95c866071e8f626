/** Feeds the rules of a pipeline with simulated events: exact times, nothing lost, integers only. */
import { EventQueue } from './event-queue.ts';
import {
  HopEngine,
  type PipelineAction,
  type PipelineEvent,
  type PlannedMicrobatch,
  type Router,
} from './hop-engine.ts';
import type { Route, TaskKind } from './route.ts';
import type { Timing } from './timing.ts';

/** A microbatch that becomes ready at its origin. */
export interface Departure extends PlannedMicrobatch {
  /** In microseconds. */
  readonly at: number;
}

/** One task as it was computed. Times in microseconds. */
export interface TaskTime {
  readonly node: number;
  readonly microbatch: number;
  readonly kind: TaskKind;
  readonly starts: number;
  readonly ends: number;
}

export interface Simulation {
  /** When the last microbatch was back, in microseconds. */
  readonly makespan: number;
  readonly finishedAt: readonly number[];
  readonly tasks: readonly TaskTime[];
  /** The routes that the microbatches took. */
  readonly routes: readonly Route[];
}

/** Microbatches wait for one another, or for slots, so that none of them can go on. */
export class PipelineStuckError extends Error {
  constructor(returned: number, of: number) {
    super(
      `Only ${returned} of ${of} microbatches came back: the others wait for slots of one another. Give the nodes ` +
        'more slots, let fewer microbatches be out at once, or plan routes that do not cross.',
    );
    this.name = 'PipelineStuckError';
  }
}

/** Runs a step of training. Throws PipelineStuckError when microbatches wait for one another for ever. */
export function simulate(timing: Timing, departures: readonly Departure[], router?: Router): Simulation {
  const engine = new HopEngine({
    slots: timing.slots,
    microbatches: departures,
    ...(router === undefined ? {} : { router }),
  });
  const events = new EventQueue<PipelineEvent>();
  const finishedAt: number[] = new Array<number>(departures.length).fill(0);
  const uplinkFree = timing.slots.map(() => 0);
  const tasks: TaskTime[] = [];
  let makespan = 0;

  const perform = (action: PipelineAction, now: number): void => {
    switch (action.kind) {
      case 'compute': {
        const { node, microbatch, task } = action;
        const ends = now + timing.work[node]![task];
        tasks.push({ node, microbatch, kind: task, starts: now, ends });
        events.add(ends, { kind: 'computed', node });
        events.add(ends + timing.rest, { kind: 'free', node });
        return;
      }
      case 'send': {
        const { from, to, microbatch, step } = action;
        const { latency, transfer } = timing.links[from]![to]!;
        const starts = timing.serialUplink ? Math.max(now, uplinkFree[from]!) : now;
        uplinkFree[from] = starts + transfer;
        events.add(starts + transfer + latency, { kind: 'arrived', microbatch, step });
        return;
      }
      case 'returned':
        finishedAt[action.microbatch] = now;
        makespan = Math.max(makespan, now);
    }
  };

  for (const [microbatch, { at }] of departures.entries()) events.add(at, { kind: 'ready', microbatch });
  for (let next = events.take(); next !== undefined; next = events.take())
    for (const action of engine.handle(next.event)) perform(action, next.at);
  if (!engine.allReturned) throw new PipelineStuckError(engine.returned, departures.length);
  return { makespan, finishedAt, tasks, routes: departures.map((_, number) => engine.routeOf(number)) };
}
