import { type StoredText, storedText } from '../ui/stored-text.ts';

/** Held-out accuracy of a round, over the members whose figures are known. */
export interface MemberFigure {
  readonly round: number;
  /** Mean, 0 to 1. */
  readonly accuracy: number;
  readonly members: number;
}

/** Rounds that are kept of each swarm, and swarms. */
const MOST_ROUNDS = 120;
const MOST_SCOPES = 8;

type Kept = Readonly<Record<string, readonly MemberFigure[]>>;

/**
 * What members of swarms published of their held-out accuracy, as far as this browser heard it. Nobody has
 * checked these figures. They outlive the visit.
 */
export class MemberFigures {
  readonly #stored: StoredText;
  /** Devices that were counted, by scope and round. */
  readonly #counted = new Map<string, Set<string>>();

  constructor(stored: StoredText = storedText(() => localStorage, 'starling.figures')) {
    this.#stored = stored;
  }

  /** Oldest first. `scope` is as in swarm/network-id.ts. */
  of(scope: string): readonly MemberFigure[] {
    return this.#read()[scope] ?? [];
  }

  /** Adds one member's figure of a round. A device counts once a round. */
  add(
    scope: string,
    figure: { readonly round: number; readonly device: string; readonly accuracy: number },
  ): void {
    const { round, device, accuracy } = figure;
    if (!(accuracy >= 0 && accuracy <= 1)) return;
    const key = `${scope} ${round}`;
    const counted = this.#counted.get(key) ?? new Set();
    if (counted.has(device.toLowerCase())) return;
    counted.add(device.toLowerCase());
    this.#counted.set(key, counted);
    if (this.#counted.size > MOST_ROUNDS) {
      const [oldest] = this.#counted.keys();
      if (oldest !== undefined) this.#counted.delete(oldest);
    }
    const { [scope]: mine = [], ...others } = this.#read();
    const before = mine.find((each) => each.round === round) ?? { round, accuracy: 0, members: 0 };
    const members = before.members + 1;
    const mean = (before.accuracy * before.members + accuracy) / members;
    const rounds = [...mine.filter((each) => each.round !== round), { round, accuracy: mean, members }]
      .sort((a, b) => a.round - b.round)
      .slice(-MOST_ROUNDS);
    const kept = [[scope, rounds] as const, ...Object.entries(others)].slice(0, MOST_SCOPES);
    this.#stored.set(JSON.stringify(Object.fromEntries(kept)));
  }

  #read(): Kept {
    try {
      const value: unknown = JSON.parse(this.#stored.get() ?? '{}');
      return typeof value === 'object' && value !== null ? (value as Kept) : {};
    } catch {
      return {};
    }
  }
}
