import { CID } from 'multiformats/cid';
import { create } from 'multiformats/hashes/digest';
import {
  type Address,
  type ContractFunctionReturnType,
  getAbiItem,
  hexToBytes,
  type PublicClient,
} from 'viem';
import { fromHex, type Hex } from '../protocol/hex.ts';
import type { SwarmSpec } from '../protocol/swarm-spec.ts';
import { decodeSwarmSpec, SwarmSpecError } from '../protocol/swarm-spec-codec.ts';
import { ChainError, toChainError } from './errors.ts';
import { swarmsAbi } from './generated/abi.ts';
import { type Schedule, scheduleOf } from './schedule.ts';

/** What a swarm's opener published, or why it cannot be used. */
export type PublishedSpec =
  | { readonly kind: 'readable'; readonly spec: SwarmSpec }
  /** `sentence` is for people. Nobody can take part in such a swarm. */
  | { readonly kind: 'unusable'; readonly sentence: string };

/** A swarm as it was opened on the chain. */
export interface SwarmRecord {
  /** Its number: 0 for the first of the deployment. */
  readonly id: number;
  /** CIDv1 of dag-cbor: the name of its specification. */
  readonly cid: string;
  /** The digest in the CID. */
  readonly digest: Hex;
  /** The account that opened it, lower case. It has no power over it. */
  readonly starter: Hex;
  /** Block whose log has the specification. */
  readonly openedIn: bigint;
  readonly schedule: Schedule;
  readonly published: PublishedSpec;
}

type RawSwarm = ContractFunctionReturnType<typeof swarmsAbi, 'view', 'swarmOf'>;

const SPECIFIED = getAbiItem({ abi: swarmsAbi, name: 'Specified' });
/** CID code of DAG-CBOR. */
const DAG_CBOR = 0x71;
/** Specifications that are fetched at a time, each in a request of its own. */
const FETCHED_AT_ONCE = 8;

/** How many swarms were opened. The newest has the number before this one. Throws ChainError. */
export async function countSwarms(client: PublicClient, swarms: Address): Promise<number> {
  try {
    return Number(await client.readContract({ address: swarms, abi: swarmsAbi, functionName: 'count' }));
  } catch (error) {
    throw toChainError(error);
  }
}

export interface ListSwarmsOptions {
  readonly client: PublicClient;
  /** Address of the contract Swarms. */
  readonly swarms: Address;
  /** Only swarms with a smaller number than this one. Defaults to all. */
  readonly before?: number;
  /** How many at most. Defaults to 25. */
  readonly most?: number;
}

/**
 * The newest swarms, the newest first, with their specifications. Anybody can open a swarm for the price of a
 * transaction, so a list is always a part of all; `before` the last one's number continues it. Throws
 * ChainError.
 */
export async function listSwarms(options: ListSwarmsOptions): Promise<readonly SwarmRecord[]> {
  const { client, swarms, most = 25 } = options;
  const end = Math.min(options.before ?? Number.POSITIVE_INFINITY, await countSwarms(client, swarms));
  const first = Math.max(0, end - most);
  if (end <= first) return [];
  try {
    const raw = await client.readContract({
      address: swarms,
      abi: swarmsAbi,
      functionName: 'swarmsFrom',
      args: [BigInt(first), BigInt(end - first)],
    });
    const records: SwarmRecord[] = [];
    for (let at = 0; at < raw.length; at += FETCHED_AT_ONCE) {
      const some = raw.slice(at, at + FETCHED_AT_ONCE);
      records.push(
        ...(await Promise.all(some.map((each, i) => withSpec(client, swarms, first + at + i, each)))),
      );
    }
    return records.reverse();
  } catch (error) {
    throw toChainError(error);
  }
}

/** A swarm with its specification. Throws ChainError, `refused` where there is no such swarm. */
export async function readSwarm(client: PublicClient, swarms: Address, id: number): Promise<SwarmRecord> {
  try {
    const raw = await client.readContract({
      address: swarms,
      abi: swarmsAbi,
      functionName: 'swarmOf',
      args: [BigInt(id)],
    });
    return await withSpec(client, swarms, id, raw);
  } catch (error) {
    throw toChainError(error);
  }
}

/** The specification of a swarm in which one can take part. Throws ChainError `invalid` for any other. */
export function specOf({ id, published }: SwarmRecord): SwarmSpec {
  if (published.kind === 'readable') return published.spec;
  throw new ChainError('invalid', `Nobody can take part in swarm ${id}: ${published.sentence}`);
}

async function withSpec(
  client: PublicClient,
  swarms: Address,
  id: number,
  raw: RawSwarm,
): Promise<SwarmRecord> {
  const { digest, openedIn } = raw;
  const logs = await client.getLogs({
    ...{ fromBlock: openedIn, toBlock: openedIn, address: swarms, event: SPECIFIED, strict: true },
    args: { swarm: BigInt(id) },
  });
  const [log] = logs;
  return {
    id,
    cid: CID.createV1(DAG_CBOR, create(0x12, fromHex(digest))).toString(),
    digest,
    starter: raw.starter.toLowerCase() as Hex,
    openedIn,
    schedule: scheduleOf(raw),
    published:
      log === undefined
        ? { kind: 'unusable', sentence: 'The node does not have its specification. Ask another node.' }
        : published(raw, hexToBytes(log.args.spec)),
  };
}

/** The contract reads no specification, so what stands in both places is compared here. */
function published(raw: RawSwarm, bytes: Uint8Array): PublishedSpec {
  let spec: SwarmSpec;
  try {
    spec = decodeSwarmSpec(bytes, raw.digest);
  } catch (error) {
    if (error instanceof SwarmSpecError) return { kind: 'unusable', sentence: error.message };
    throw error;
  }
  if (spec.startedBy !== raw.starter.toLowerCase()) {
    const sentence = 'The specification names another account than the one that opened the swarm.';
    return { kind: 'unusable', sentence: `${sentence} Take another swarm.` };
  }
  const { answerSeconds, critiqueSeconds, voteSeconds } = spec.schedule;
  const same =
    answerSeconds === raw.answerSeconds &&
    critiqueSeconds === raw.critiqueSeconds &&
    voteSeconds === raw.voteSeconds;
  if (same) return { kind: 'readable', spec };
  const sentence = 'The specification has other stage lengths than the chain. Take another swarm.';
  return { kind: 'unusable', sentence };
}
