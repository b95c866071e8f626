import {
  type Address,
  getAbiItem,
  type Hex,
  hexToBytes,
  type PublicClient,
  parseEventLogs,
  sha256,
  toHex,
} from 'viem';
import { ChainError, toChainError } from './errors.ts';
import { descriptionsAbi } from './generated/abi.ts';
import { blockRanges } from './logs.ts';
import type { IncludedTransaction, TransactionQueue } from './transaction-queue.ts';

/** What somebody published about a run. */
export interface Description {
  /** The hash of the terms that the publisher says it describes. Nobody has checked it. */
  readonly run: Hex;
  /** sha2-256 of the bytes. */
  readonly digest: Hex;
  readonly publisher: Address;
  readonly bytes: Uint8Array;
}

/** The digest by which an order names its description: sha2-256. */
export function digestOfDescription(description: Uint8Array): Hex {
  return sha256(toHex(description));
}

export interface PublishDescriptionOptions {
  /** Of the account that publishes. */
  readonly queue: TransactionQueue;
  readonly descriptions: Address;
  /** Hash of the terms. */
  readonly run: Hex;
  readonly description: Uint8Array;
}

/** Publishes a description in the chain's log. Throws ChainError. */
export async function publishDescription(
  options: PublishDescriptionOptions,
): Promise<IncludedTransaction & { readonly digest: Hex }> {
  const { queue, descriptions, run, description } = options;
  const done = await queue.call({
    address: descriptions,
    abi: descriptionsAbi,
    functionName: 'publish',
    args: [run, toHex(description)],
  });
  const [published] = parseEventLogs({ abi: descriptionsAbi, logs: [...done.logs], eventName: 'Published' });
  if (published === undefined) {
    throw new ChainError('wrong-network', 'The contract at this address is not Descriptions.');
  }
  return { ...done, digest: published.args.digest };
}

export interface FindDescriptionsOptions {
  readonly client: PublicClient;
  readonly descriptions: Address;
  readonly run: Hex;
  /** Only descriptions with one of these digests, such as those that orders name. */
  readonly digests?: readonly Hex[];
  /** Digests of descriptions that the reader does not want again. */
  readonly isExcluded?: (digest: Hex) => boolean;
  /** Defaults to the first block. */
  readonly fromBlock?: bigint;
}

const PUBLISHED = getAbiItem({ abi: descriptionsAbi, name: 'Published' });

/**
 * The most descriptions of one answer, 16 KiB each. The reader excludes those that it has looked at, so the
 * next answer has the ones behind: nobody hides a description behind others.
 */
const MOST = 1024;

/**
 * What was published under the hash of a run's terms, each digest once, oldest first. The reader has to
 * compute whether a description really has these terms, and should ask what that costs before. Throws
 * ChainError.
 */
export async function findDescriptions(options: FindDescriptionsOptions): Promise<readonly Description[]> {
  const { client, descriptions, run, digests, isExcluded, fromBlock = 0n } = options;
  const args = { run, ...(digests === undefined ? {} : { digest: [...digests] }) };
  const found = new Map<Hex, Description>();
  try {
    for (const range of blockRanges(fromBlock, await client.getBlockNumber())) {
      const logs = await client.getLogs({
        ...{ ...range, address: descriptions, event: PUBLISHED, args, strict: true },
      });
      for (const { args } of logs) {
        const { digest } = args;
        if (found.size >= MOST) return [...found.values()];
        if (found.has(digest) || isExcluded?.(digest) === true) continue;
        const publisher = args.publisher.toLowerCase() as Address;
        found.set(digest, { run: args.run, digest, publisher, bytes: hexToBytes(args.description) });
      }
    }
    return [...found.values()];
  } catch (error) {
    throw toChainError(error);
  }
}
