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
import { logsOfBlocks } from './logs.ts';
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
  /** Only descriptions with this digest, such as the one that an order names. */
  readonly digest?: Hex;
  /** Defaults to the first block. */
  readonly fromBlock?: bigint;
}

const PUBLISHED = getAbiItem({ abi: descriptionsAbi, name: 'Published' });

/**
 * The most descriptions of one run. The first ones count, so nobody can hide a description behind later ones.
 */
const MOST = 16;

/**
 * What was published under the hash of a run's terms, oldest first. The reader has to compute whether a
 * description really has these terms. Throws ChainError.
 */
export async function findDescriptions(options: FindDescriptionsOptions): Promise<readonly Description[]> {
  const { client, descriptions, run, digest, fromBlock = 0n } = options;
  const args = { run, digest };
  try {
    const logs = await logsOfBlocks(fromBlock, await client.getBlockNumber(), (range) =>
      client.getLogs({ ...range, address: descriptions, event: PUBLISHED, args, strict: true }),
    );
    return logs.slice(0, MOST).map(({ args }) => ({
      run: args.run,
      digest: args.digest,
      publisher: args.publisher.toLowerCase() as Address,
      bytes: hexToBytes(args.description),
    }));
  } catch (error) {
    throw toChainError(error);
  }
}
