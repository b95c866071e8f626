import { createStore, type StoreApi } from 'zustand/vanilla';
import { Poller } from '../../chain/poller.ts';
import { readingAt } from '../../chain/schedule.ts';
import type { SwarmRecord } from '../../chain/swarms.ts';
import { messageOf } from '../../protocol/message-of.ts';
import type { SwarmSpec } from '../../protocol/swarm-spec.ts';
import type { HeldOutPoint, ShownSwarm, SwarmsView } from './swarms-port.ts';

/** The chain's swarms as the watch asks for them. */
export interface SwarmReader {
  /** The newest swarms, the newest first. */
  list(most: number): Promise<readonly SwarmRecord[]>;
  /** One swarm; undefined where the chain has none of this number. */
  read(id: number): Promise<SwarmRecord | undefined>;
  /** Devices at work, by the swarm's number. */
  members(swarms: readonly SwarmRecord[]): Promise<ReadonlyMap<number, number>>;
  /** Time of the newest block, Unix milliseconds. */
  now(): Promise<number>;
}

export interface SwarmWatchOptions {
  readonly reader: SwarmReader;
  /** Why this device cannot take part in a swarm, in a sentence; null where it can. */
  readonly whyNotHere: (spec: SwarmSpec) => string | null;
  /** What members of a swarm published, as far as this device heard it. */
  readonly heldOut: (swarm: number) => readonly HeldOutPoint[];
  /** The clock that `pollMs` is counted on. Defaults to real time. */
  readonly sleep?: (ms: number, signal: AbortSignal) => Promise<void>;
  /** Time between two looks at the chain, in ms. Defaults to 5,000. */
  readonly pollMs?: number;
}

type Look = Pick<SwarmsView, 'swarms' | 'hasOlder' | 'trouble'>;

const SHOWN_SWARMS = 12;
const MOST_SWARMS = 200;

/** Looks at the swarms of a network again and again, for the screens. */
export class SwarmWatch {
  readonly store: StoreApi<Look> = createStore<Look>(() => ({
    swarms: null,
    hasOlder: false,
    trouble: null,
  }));
  readonly #options: SwarmWatchOptions;
  readonly #poller: Poller;
  #followed: number | null = null;
  #most = SHOWN_SWARMS;

  constructor(options: SwarmWatchOptions) {
    this.#options = options;
    this.#poller = new Poller({
      pass: () => this.#look(),
      intervalMs: options.pollMs ?? 5_000,
      onError: (error) => this.store.setState({ trouble: messageOf(error) }),
      sleep: options.sleep,
    });
  }

  start(): void {
    this.#poller.start();
  }

  stop(): Promise<void> {
    return this.#poller.stop();
  }

  /** Looks now rather than at the next turn. */
  refresh(): void {
    this.#poller.wake();
  }

  /** Shows one swarm beside the newest ones, from the next look on. */
  follow(id: number | null): void {
    if (this.#followed === id) return;
    this.#followed = id;
    if (id !== null) this.refresh();
  }

  /** Shows more of the older swarms from the next look on. */
  showOlder(): void {
    this.#most = Math.min(MOST_SWARMS, this.#most + SHOWN_SWARMS);
    this.refresh();
  }

  async #look(): Promise<void> {
    const { reader, whyNotHere, heldOut } = this.#options;
    const followed = this.#followed;
    const [listed, now] = await Promise.all([reader.list(this.#most), reader.now()]);
    const alone =
      followed === null || listed.some(({ id }) => id === followed) ? undefined : await reader.read(followed);
    const records = alone === undefined ? listed : [...listed, alone];
    const members = await reader.members(records);
    const oldest = listed.at(-1)?.id ?? 0;
    this.store.setState({
      swarms: records.map((record) => shown(record, { whyNotHere, now, members, heldOut })),
      hasOlder: oldest > 0 && this.#most < MOST_SWARMS,
      trouble: null,
    });
  }
}

function shown(
  { id, starter, schedule, published }: SwarmRecord,
  known: {
    readonly whyNotHere: (spec: SwarmSpec) => string | null;
    readonly now: number;
    readonly members: ReadonlyMap<number, number>;
    readonly heldOut: (swarm: number) => readonly HeldOutPoint[];
  },
): ShownSwarm {
  const spec = published.kind === 'readable' ? published.spec : null;
  const problem = published.kind === 'unusable' ? published.sentence : known.whyNotHere(published.spec);
  return {
    id,
    spec,
    problem,
    openedBy: starter,
    openedAt: schedule.genesis,
    round: readingAt(schedule, known.now).round,
    members: known.members.get(id) ?? 0,
    heldOut: known.heldOut(id),
  };
}
