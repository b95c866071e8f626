import type { Departure } from '../simulate.ts';
import { MICROSECONDS, type Timing } from '../timing.ts';
import type { Injection, PublishedSetting } from './setting.ts';

/** What may differ from the published setting. */
export interface TimingChanges {
  readonly serialUplink?: boolean;
  /** Defaults to the published 3. */
  readonly slots?: number;
  /** Bytes over a hop. Defaults to the published f32 boundary. */
  readonly bytes?: number;
}

/** The published setting in integers, rounded to the next microsecond. */
export function timingOf(setting: PublishedSetting, changes: TimingChanges = {}): Timing {
  const { serialUplink = false, slots = setting.slots, bytes = setting.activationBytes } = changes;
  const all = Array.from({ length: setting.nodes }, (_, node) => node);
  const work = {
    forward: microseconds(setting.forward),
    loss: microseconds(setting.loss),
    backward: microseconds(setting.backward),
  };
  return {
    slots: all.map(() => slots),
    work: all.map(() => work),
    rest: microseconds(setting.gapAfterTask),
    links: all.map((from) =>
      all.map((to) => {
        if (from === to) return { latency: 0, transfer: 0 };
        const { latencySeconds, bytesPerSecond, fixedSeconds } = setting.link(from, to);
        return {
          latency: microseconds(latencySeconds + fixedSeconds),
          transfer: Math.ceil((bytes * MICROSECONDS) / bytesPerSecond),
        };
      }),
    ),
    serialUplink,
  };
}

/** The same injections in integers. */
export function departuresOf(injections: readonly Injection[]): Departure[] {
  return injections.map(({ route, at, after }) =>
    after === undefined ? { route, at: microseconds(at) } : { route, at: microseconds(at), after },
  );
}

function microseconds(seconds: number): number {
  return Math.round(seconds * MICROSECONDS);
}
