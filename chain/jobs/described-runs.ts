import type { Hex, PublicClient } from 'viem';
import type { RollupContracts } from '../../protocol/rollup.ts';
import { type Description, findDescriptions } from '../descriptions.ts';
import { toChainError } from '../errors.ts';
import { listJobs } from './job.ts';

export interface DescribedRunsOptions {
  readonly client: PublicClient;
  readonly contracts: Pick<RollupContracts, 'descriptions' | 'jobs'>;
  /** Hash of the run's terms. */
  readonly run: Hex;
  /** Whether the reader still has to see the description with this digest. */
  readonly wants: (digest: Hex) => boolean;
}

/** Most orders whose descriptions are asked for at once. Those that pay most come first. */
const MOST_ORDERS = 64;

/**
 * Descriptions of a run that are wanted: those that its orders name, as long as there are any, and then what
 * else was published under its terms. Throws ChainError.
 */
export async function describedRuns(options: DescribedRunsOptions): Promise<readonly Description[]> {
  const { client, contracts, run, wants } = options;
  const { descriptions, jobs } = contracts;
  const isExcluded = (digest: Hex): boolean => !wants(digest);
  const toBlock = await client.getBlockNumber().catch((error: unknown) => {
    throw toChainError(error);
  });
  const orders = (await listJobs({ client, jobs, fromBlock: 0n, toBlock, terms: run }))
    .map(({ order }) => order)
    .filter(({ descriptionHash }) => wants(descriptionHash))
    .toSorted((a, b) => Number(b.price > a.price) - Number(a.price > b.price));
  const digests = [...new Set(orders.map(({ descriptionHash }) => descriptionHash))].slice(0, MOST_ORDERS);
  if (digests.length > 0) {
    const named = await findDescriptions({ client, descriptions, run, digests, isExcluded });
    if (named.length > 0) return named;
  }
  return findDescriptions({ client, descriptions, run, isExcluded });
}
