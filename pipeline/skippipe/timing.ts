import { timingOf } from '../measurements.ts';
import type { Departure } from '../simulate.ts';
import { MICROSECONDS, type Timing } from '../timing.ts';
import type { Injection, PublishedSetting } from './setting.ts';

/** What may differ from the published setting. */
export interface TimingChanges {
  /** Defaults to false: the published model sends any number of things at once. */
  readonly serialUplink?: boolean;
  /** Defaults to the published 3. */
  readonly slots?: number;
  /** Bytes over a hop. Defaults to the published f32 boundary. */
  readonly bytes?: number;
}

/** The published setting in integers. The rest after a task is 0.13 s, also after a start at the origin. */
export function publishedTiming(setting: PublishedSetting, changes: TimingChanges = {}): Timing {
  const { serialUplink = false, slots = setting.slots, bytes = setting.activationBytes } = changes;
  const all = Array.from({ length: setting.nodes }, (_, node) => node);
  const work = {
    forward: microseconds(setting.forward),
    loss: microseconds(setting.loss),
    backward: microseconds(setting.backward),
  };
  const table = (of: (link: ReturnType<PublishedSetting['link']>) => number) =>
    all.map((from) => all.map((to) => of(setting.link(from, to))));
  return timingOf(
    {
      latency: table(({ latencySeconds }) => microseconds(latencySeconds)),
      throughput: table(({ bytesPerSecond }) => Math.floor(bytesPerSecond)),
      work: all.map(() => work),
      slots: all.map(() => slots),
    },
    {
      bytes,
      fixed: microseconds(setting.fixedPerHop),
      rest: microseconds(setting.gapAfterTask),
      serialUplink,
    },
  );
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
