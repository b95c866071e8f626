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
import { type BlockRange, blockRanges } from './logs.ts';
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

/** A description that was published, without its bytes. */
export interface ListedDescription extends Omit<Description, 'bytes'> {
  /** The block that has its bytes. */
  readonly block: bigint;
}

export interface DescriptionsOptions {
  readonly client: PublicClient;
  readonly descriptions: Address;
}

export interface ListDescriptionsOptions extends DescriptionsOptions {
  readonly run: Hex;
  readonly range: BlockRange;
  /** Only descriptions with one of these digests, such as those that orders name. */
  readonly digests?: readonly Hex[];
}

const PUBLISHED = getAbiItem({ abi: descriptionsAbi, name: 'Published' });
const CONTENT = getAbiItem({ abi: descriptionsAbi, name: 'Content' });

/**
 * What was published under the hash of a run's terms in some blocks, oldest first, without the bytes. Rejects
 * as the client does.
 */
export async function listDescriptions(
  options: ListDescriptionsOptions,
): Promise<readonly ListedDescription[]> {
  const { client, descriptions, run, range, digests } = options;
  const args = { run, ...(digests === undefined ? {} : { digest: [...digests] }) };
  const logs = await client.getLogs({
    ...{ ...range, address: descriptions, event: PUBLISHED, args, strict: true },
  });
  return logs.map(({ args: { digest, publisher }, blockNumber }) => ({
    ...{ run, digest, publisher: publisher.toLowerCase() as Address, block: blockNumber },
  }));
}

/** Blocks whose descriptions are fetched at a time. */
const FETCHED_AT_ONCE = 8;

/**
 * Fetches listed descriptions, one request for each block that has some, and no bytes but theirs. Those that
 * a reorganisation took away are left out. Rejects as the client does.
 */
export async function fetchDescriptions(
  { client, descriptions }: DescriptionsOptions,
  listed: readonly ListedDescription[],
): Promise<readonly Description[]> {
  const blocks = [...new Set(listed.map(({ block }) => block))];
  const bytes = new Map<Hex, Uint8Array>();
  for (let first = 0; first < blocks.length; first += FETCHED_AT_ONCE) {
    const answers = blocks.slice(first, first + FETCHED_AT_ONCE).map((block) =>
      client.getLogs({
        ...{ fromBlock: block, toBlock: block, address: descriptions, event: CONTENT, strict: true },
        args: { digest: listed.filter((each) => each.block === block).map(({ digest }) => digest) },
      }),
    );
    for (const { args } of (await Promise.all(answers)).flat()) {
      bytes.set(args.digest, hexToBytes(args.description));
    }
  }
  return listed.flatMap(({ run, digest, publisher }) => {
    const found = bytes.get(digest);
    return found === undefined ? [] : [{ run, digest, publisher, bytes: found }];
  });
}

export interface FindDescriptionsOptions extends DescriptionsOptions {
  readonly run: Hex;
  /** Only descriptions with one of these digests. */
  readonly digests: readonly Hex[];
  /** Defaults to the first block. */
  readonly fromBlock?: bigint;
}

/**
 * Descriptions of a run by their digests, each once. It downloads nothing else, however much was published
 * for the run. The reader has to compute whether a description really has these terms, and should ask what
 * that costs before. Throws ChainError.
 */
export async function findDescriptions(options: FindDescriptionsOptions): Promise<readonly Description[]> {
  const { client, digests, fromBlock = 0n } = options;
  const found = new Map<Hex, ListedDescription>();
  try {
    for (const range of blockRanges(fromBlock, await client.getBlockNumber())) {
      for (const each of await listDescriptions({ ...options, range })) {
        if (!found.has(each.digest)) found.set(each.digest, each);
      }
      if (found.size === new Set(digests).size) break;
    }
    return await fetchDescriptions(options, [...found.values()]);
  } catch (error) {
    throw toChainError(error);
  }
}
