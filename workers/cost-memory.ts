/** What rounds took in this browser, by swarm, beside what was predicted for them. */
import {
  type CostPrediction,
  type CostRecord,
  formatCostRecord,
  parseCostRecord,
  type RoundTook,
  withRound,
} from './cost-record.ts';

/** A text that the browser keeps. */
export interface CostText {
  /** Null where nothing is stored. */
  get(): string | null;
  set(text: string): void;
}

/** The name under which a page keeps it. */
export const COST_TEXT = 'starling.costs';

/** Swarms at most. The one that was used longest ago is forgotten first. */
const MOST_SWARMS = 16;

export class CostMemory {
  readonly #stored: CostText;

  constructor(stored: CostText) {
    this.#stored = stored;
  }

  /** Null for a swarm of which nothing is known. `run` is its network id, as in swarm/network-id.ts. */
  of(run: string): CostRecord | null {
    return this.#read().get(run) ?? null;
  }

  /** Keeps the latest prediction of a swarm's rounds, for the rounds that follow. */
  predict(run: string, predicted: CostPrediction): void {
    this.#write(run, { predicted, rounds: this.of(run)?.rounds ?? [] });
  }

  /** Notes what a round took. A prediction may come later, once a person looks at the swarm's page. */
  add(run: string, took: RoundTook): void {
    const record = this.of(run);
    this.#write(run, withRound(record, record?.predicted ?? null, took));
  }

  #read(): Map<string, CostRecord> {
    let value: unknown;
    try {
      value = JSON.parse(this.#stored.get() ?? '[]');
    } catch {
      value = [];
    }
    const entries: readonly unknown[] = Array.isArray(value) ? value.slice(0, MOST_SWARMS) : [];
    const found = new Map<string, CostRecord>();
    for (const entry of entries) {
      const [run, text]: readonly unknown[] = Array.isArray(entry) ? entry : [];
      const record = typeof text === 'string' ? parseCostRecord(text) : null;
      if (typeof run === 'string' && record !== null) found.set(run, record);
    }
    return found;
  }

  #write(run: string, record: CostRecord): void {
    const all = this.#read();
    all.delete(run);
    const entries = [...all, [run, record] as const].slice(-MOST_SWARMS);
    this.#stored.set(JSON.stringify(entries.map(([name, each]) => [name, formatCostRecord(each)])));
  }
}
