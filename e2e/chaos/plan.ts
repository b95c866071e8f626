import { RandomStream } from '../../protocol/philox.ts';

/** What happens to the network at a time, in seconds since the drill's rounds began. */
export type Trouble = {
  readonly at: number;
} & (
  | {
      readonly kind: 'kill';
      readonly member: number;
      /** Whether it is killed when it says that its next round is finished, instead of at once. */
      readonly atFinish: boolean;
      readonly awaySeconds: number;
    }
  | { readonly kind: 'relay'; readonly relay: number; readonly awaySeconds: number }
  /** Members and relays of one side; all others are on the other. */
  | {
      readonly kind: 'split';
      readonly members: readonly number[];
      readonly relays: readonly number[];
      readonly awaySeconds: number;
    }
);

export interface PlanOptions {
  readonly seed: string;
  readonly seconds: number;
  /** Honest members have the first numbers. */
  readonly honest: number;
  readonly hostile: number;
  readonly relays: number;
}

/** Seconds from one event of a kind to the next: from the first to the second. */
const EVERY = { kill: [12, 28], relay: [60, 120], split: [90, 150] } as const;
/** Seconds that it lasts. */
const AWAY = { kill: [3, 20], relay: [10, 40], split: [20, 50] } as const;
/** Seconds at the beginning, in which the swarm forms, and at the end, in which the last rounds are told. */
const QUIET = { before: 15, after: 30 };

/** Kills, stops of relays and splits from a seed, in the order of their times. */
export function planTrouble(options: PlanOptions): readonly Trouble[] {
  const { seconds, honest, hostile, relays } = options;
  const stream = RandomStream.named({
    seed: new TextEncoder().encode(options.seed.slice(0, 64)),
    round: 0,
    device: 'chaos',
    purpose: 'failures',
  });
  const troubles: Trouble[] = [];
  for (const [index, kind] of (['kill', 'relay', 'split'] as const).entries()) {
    const random = stream.sequence(index);
    if (kind === 'relay' && relays === 0) continue;
    const [least, most] = EVERY[kind];
    for (let at = QUIET.before; ; ) {
      at += random.integer(least, most);
      const awaySeconds = random.integer(AWAY[kind][0], AWAY[kind][1]);
      if (at + awaySeconds > seconds - QUIET.after) break;
      if (kind === 'kill') {
        const member = random.integer(0, honest - 1);
        troubles.push({ kind, at, awaySeconds, member, atFinish: random.integer(0, 1) === 1 });
      } else if (kind === 'relay')
        troubles.push({ kind, at, awaySeconds, relay: random.integer(0, relays - 1) });
      else {
        const half = (count: number, from: number): readonly number[] =>
          random.shuffle(Array.from({ length: count }, (_, n) => from + n)).slice(0, Math.floor(count / 2));
        const members = [...half(honest, 0), ...half(hostile, honest)];
        troubles.push({ kind, at, awaySeconds, members, relays: half(relays, 0) });
      }
      if (kind === 'split') at += awaySeconds;
    }
  }
  return troubles.sort((a, b) => a.at - b.at);
}
