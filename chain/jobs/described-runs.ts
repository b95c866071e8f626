import type { Hex, PublicClient } from 'viem';
import type { RollupContracts } from '../../protocol/rollup.ts';
import {
  type Description,
  fetchDescriptions,
  findDescriptions,
  type ListedDescription,
  listDescriptions,
} from '../descriptions.ts';
import { toChainError } from '../errors.ts';
import { RunLog } from '../run-log.ts';
import { listJobs, type PostedJob } from './job.ts';

export interface DescribedRunsOptions {
  readonly client: PublicClient;
  readonly contracts: Pick<RollupContracts, 'descriptions' | 'jobs'>;
}

/** Most orders whose descriptions are asked for at once. Those that pay most come first. */
const MOST_ORDERS = 64;
/**
 * Most descriptions of one answer, 16 KiB each. The reader stops wanting those that it has looked at, so the
 * next answer has the ones behind: nobody hides a description behind others.
 */
const MOST = 1024;

/** Descriptions of runs on a chain. It reads each block once for a run, and fetches only what is wanted. */
export class DescribedRuns {
  readonly #options: DescribedRunsOptions;
  readonly #published: RunLog<ListedDescription>;
  readonly #orders: RunLog<PostedJob>;

  constructor(options: DescribedRunsOptions) {
    this.#options = options;
    const { client, contracts } = options;
    const { descriptions, jobs } = contracts;
    const blockNumber = () => client.getBlockNumber();
    this.#published = new RunLog({
      blockNumber,
      ask: (run, range) => listDescriptions({ client, descriptions, run, range }),
      keyOf: ({ digest }) => digest,
    });
    this.#orders = new RunLog({
      blockNumber,
      ask: (terms, range) => listJobs({ client, jobs, ...range, terms }),
      keyOf: ({ order }) => `${order.descriptionHash} ${order.price}`,
    });
  }

  /**
   * Descriptions of a run that `wants` says yes to: those that its orders name, as long as there are any, and
   * then what else was published under its terms. Throws ChainError.
   */
  async find(run: Hex, wants: (digest: Hex) => boolean): Promise<readonly Description[]> {
    const { client, contracts } = this.#options;
    const { descriptions } = contracts;
    try {
      const isDone = ({ digest }: ListedDescription): boolean => !wants(digest);
      const { entries, hasMore } = await this.#published.of(run, isDone);
      const listed = entries.filter(({ digest }) => wants(digest));
      const named = new Set(await this.#named(run, wants));
      const ordered = listed.filter(({ digest }) => named.has(digest));
      const digests = [...named].filter((each) => !ordered.some(({ digest }) => digest === each));
      const first = [
        ...(await fetchDescriptions({ client, descriptions }, ordered)),
        ...(hasMore ? await findDescriptions({ client, descriptions, run, digests }) : []),
      ];
      if (first.length > 0) return first;
      return await fetchDescriptions({ client, descriptions }, listed.slice(0, MOST));
    } catch (error) {
      throw toChainError(error);
    }
  }

  /** Digests that orders of the run name and that are wanted, those of the dearest orders first. */
  async #named(run: Hex, wants: (digest: Hex) => boolean): Promise<readonly Hex[]> {
    const { entries } = await this.#orders.of(run, ({ order }) => !wants(order.descriptionHash));
    const hashes = entries
      .map(({ order }) => order)
      .filter(({ descriptionHash }) => wants(descriptionHash))
      .toSorted((a, b) => Number(b.price > a.price) - Number(a.price > b.price))
      .map(({ descriptionHash }) => descriptionHash);
    return [...new Set(hashes)].slice(0, MOST_ORDERS);
  }
}
