import type { Hex } from 'viem';
import type { Evidence, EvidenceOptions } from '../../../protocol/evidence.ts';
import { termsHash } from '../../../protocol/slot-encoding.ts';
import { flawOf } from '../trees.ts';
import { rememberTraces } from './recent-traces.ts';

/** The computation of the run whose terms have this hash; undefined when there is no specification of it here. */
export type FindEvidence = (terms: Hex, options: EvidenceOptions) => Promise<Evidence | undefined>;

/** Runs that were asked for, each checked and opened once. What was not found, or failed, is asked for again. */
export class Runs {
  readonly #find: FindEvidence;
  readonly #found = new Map<Hex, Promise<Evidence | undefined>>();

  constructor(find: FindEvidence) {
    this.#find = find;
  }

  async of(terms: Hex, options: EvidenceOptions): Promise<Evidence | undefined> {
    const begun = this.#found.get(terms) ?? this.#open(terms, options);
    this.#found.set(terms, begun);
    const forget = (): void => {
      if (this.#found.get(terms) === begun) this.#found.delete(terms);
    };
    try {
      const evidence = await begun;
      if (evidence === undefined) forget();
      return evidence;
    } catch (error) {
      forget();
      throw error;
    }
  }

  async #open(terms: Hex, options: EvidenceOptions): Promise<Evidence | undefined> {
    const evidence = await this.#find(terms, options);
    if (evidence === undefined) return undefined;
    // A game played with evidence that does not fit together could be lost, whoever is right.
    if (termsHash(evidence.terms) !== terms) throw new BadEvidence('It has other terms than the claim.');
    const flaw = flawOf(evidence);
    if (flaw !== undefined) throw new BadEvidence(flaw);
    return rememberTraces(evidence);
  }
}

/** A run specification that gives no usable evidence. */
export class BadEvidence extends Error {
  override readonly name = 'BadEvidence';

  constructor(flaw: string) {
    super(`The run specification is of no use here. ${flaw} Get it again from whoever published it.`);
  }
}
