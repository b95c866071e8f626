import { type Address, getAbiItem, type PublicClient } from 'viem';
import { toChainError } from '../errors.ts';
import { jobsAbi } from '../generated/abi.ts';
import { logsOfBlocks } from '../logs.ts';
import { COIN } from '../payments.ts';
import { readJobs } from './job.ts';

export interface DeliveredClaimsOptions {
  readonly client: PublicClient;
  readonly jobs: Address;
}

const DELIVERED = getAbiItem({ abi: jobsAbi, name: 'Delivered' });
/** Blocks read again at each look, so that a reorganisation hides no delivery. */
const REREAD = 64n;
/** Jobs read in one request. */
const A_REQUEST = 64;
/** Most deliveries remembered. */
const MOST = 65_536;

/** Claims that workers delivered for jobs, and what is paid if they stand. It reads each block's log once. */
export class DeliveredClaims {
  readonly #options: DeliveredClaimsOptions;
  readonly #prices = new Map<number, bigint>();
  readonly #read = new Set<string>();
  #next = 0n;

  constructor(options: DeliveredClaimsOptions) {
    this.#options = options;
  }

  /**
   * Price of the dearest job that each claim was delivered for, in wei, by the number of the claim. A price
   * in a token counts as 1 wei, because anybody can make a token. Throws ChainError.
   */
  async stakes(): Promise<ReadonlyMap<number, bigint>> {
    const { client, jobs } = this.#options;
    try {
      const last = await client.getBlockNumber();
      const logs = await logsOfBlocks(this.#next, last, (range) =>
        client.getLogs({ ...range, address: jobs, event: DELIVERED, strict: true }),
      );
      const unread = logs
        .map(({ args, blockHash }) => ({ ...args, key: `${blockHash} ${args.job} ${args.claim}` }))
        .filter(({ key }) => !this.#read.has(key));
      for (let first = 0; first < unread.length; first += A_REQUEST) {
        const some = unread.slice(first, first + A_REQUEST);
        const found = await readJobs(client, jobs, [...new Set(some.map(({ job }) => job))]);
        const orders = new Map(found.map(({ id, order }) => [id, order]));
        for (const { key, job, claim } of some) {
          const order = orders.get(job);
          if (order === undefined) continue;
          this.#read.add(key);
          const price = order.token === COIN ? order.price : 1n;
          const known = this.#prices.get(Number(claim)) ?? 0n;
          this.#prices.set(Number(claim), price > known ? price : known);
        }
      }
      this.#next = last > REREAD ? last - REREAD : 0n;
    } catch (error) {
      throw toChainError(error);
    }
    for (const oldest of [...this.#prices.keys()].slice(0, -MOST)) this.#prices.delete(oldest);
    for (const oldest of [...this.#read].slice(0, -MOST)) this.#read.delete(oldest);
    return this.#prices;
  }
}
