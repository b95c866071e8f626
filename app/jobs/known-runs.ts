import type { PublicClient } from 'viem';
import { findDescriptions } from '../../chain/descriptions.ts';
import type { Hex } from '../../protocol/hex.ts';
import type { RollupContracts } from '../../protocol/rollup.ts';
import { type VerifiedRun, verifyRun } from '../../protocol/verified-run.ts';
import type { PlannedRun } from '../../workers/run-api.ts';
import type { RemoteRun, RunsClient } from '../../workers/run-client.ts';

export interface KnownRunsOptions {
  readonly client: PublicClient;
  readonly contracts: RollupContracts;
  readonly runs: () => RunsClient;
  /** Folder of the published model that runs begin with. */
  readonly model: string;
  readonly threads: number;
}

/** A run of which there is a description: what it is made of. */
export interface KnownRun extends VerifiedRun<PlannedRun> {
  readonly spec: Uint8Array;
}

/** A run's description is on the chain, but this page cannot do it. */
export class UnknownRunError extends Error {
  override readonly name = 'UnknownRunError';
}

/**
 * Runs by the hash of their terms. Descriptions come from the chain's log, where nobody can withhold them; one whose terms are
 * others than it says is passed over. A run that was opened stays open, and its checkpoints outlive the tab.
 */
export class KnownRuns {
  readonly #options: KnownRunsOptions;
  readonly #specs = new Map<Hex, Promise<KnownRun | undefined>>();
  readonly #open = new Map<Hex, Promise<VerifiedRun<RemoteRun>>>();

  constructor(options: KnownRunsOptions) {
    this.#options = options;
  }

  /** What was published about the run; undefined where nothing fits. Asked again next time then. Throws ChainError. */
  known(terms: Hex, signal?: AbortSignal): Promise<KnownRun | undefined> {
    return keptUnless(
      this.#specs,
      terms,
      () => this.#find(terms, signal),
      (found) => found === undefined,
    );
  }

  /** Does the run, or goes on where it was. Throws UnknownRunError, ChainError, ComputeError. */
  run(terms: Hex, signal?: AbortSignal): Promise<VerifiedRun<RemoteRun>> {
    return keptUnless(
      this.#open,
      terms,
      () => this.#do(terms, signal),
      () => false,
    );
  }

  async #do(terms: Hex, signal?: AbortSignal): Promise<VerifiedRun<RemoteRun>> {
    const known = await this.known(terms, signal);
    if (known === undefined) {
      throw new UnknownRunError(
        'Nobody has published what this run is, so it cannot be computed here. Ask whoever posted it to publish its description.',
      );
    }
    const { model, threads, runs } = this.#options;
    const run = await runs().open(
      { spec: known.spec, start: { kind: 'model', url: model }, threads, folder: terms.slice(2, 34) },
      signal,
    );
    return { ...run, terms: known.terms };
  }

  async #find(terms: Hex, signal?: AbortSignal): Promise<KnownRun | undefined> {
    const { client, contracts, runs } = this.#options;
    const found = await findDescriptions({ client, descriptions: contracts.descriptions, run: terms });
    for (const { bytes } of found) {
      try {
        const planned = verifyRun(await runs().plan(bytes, signal), terms);
        if (planned !== undefined) return { ...planned, spec: bytes };
      } catch {
        // Not a specification, or of a run that nobody here can do: the next may be.
        signal?.throwIfAborted();
      }
    }
    return undefined;
  }
}

/** One answer for everybody who asks; a failure, or an answer that may change, is asked for again. */
function keptUnless<T>(
  kept: Map<Hex, Promise<T>>,
  key: Hex,
  ask: () => Promise<T>,
  passing: (value: T) => boolean,
): Promise<T> {
  const known = kept.get(key);
  if (known !== undefined) return known;
  const asked = ask();
  kept.set(key, asked);
  asked.then(
    (value) => {
      if (passing(value)) kept.delete(key);
    },
    () => kept.delete(key),
  );
  return asked;
}
