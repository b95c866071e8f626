/**
 * Which peers a device judges, votes for and trains on in a round. The swarm selects them from all that have
 * revealed answers, and hands them to the trainer. A trainer whose checkpoint allows fewer peers takes the
 * first of them.
 */
import type { DeviceKey } from './device-key.ts';
import { type DeviceAddress, fromHex, toHex } from './hex.ts';
import { sha256Of } from './sha256-of.ts';
import { accountOf, type Standing } from './standing.ts';
import type { RoundContext } from './trainer.ts';

/** What peers are selected for. */
export type SelectionPurpose = 'critique' | 'train';

/** How many peers a device selects in one round, at most. */
export interface PeersPerRound {
  /** Peers whose answers it judges. */
  readonly critique: number;
  /** Peers whose rollout sets it trains on. */
  readonly train: number;
}

export const PEERS_PER_ROUND: PeersPerRound = { critique: 2, train: 8 };

/** Anything that one device published. */
export interface Author {
  readonly author: DeviceAddress;
}

/** Something published, with what the chain says of its author. */
export interface Candidate extends Author {
  readonly standing: Standing;
}

/** Who selects how many peers, and for what. */
export interface SelectionOptions {
  readonly purpose: SelectionPurpose;
  /** Peers to select, at most. */
  readonly count: number;
  /** The device that selects. It never selects itself. */
  readonly device: DeviceAddress;
  /** 32 bytes of `selectionSecret`. */
  readonly secret: Uint8Array;
}

/**
 * What a device ranks authors by in one round: the sha2-256 of its signature over network, round and seed.
 * Nobody else can compute it, so no author can make a key that ranks well. 32 bytes.
 *
 * The signature is deterministic (RFC 6979), so the device gets the same secret again, and can show the
 * signature later. Whoever sees it can repeat the ranking. That proves that no author had a hand in it. It
 * does not prove that the device tried no other nonce, or which candidates it had heard of.
 */
export function selectionSecret(
  key: Pick<DeviceKey, 'sign'>,
  networkId: string,
  { round, seed }: Pick<RoundContext, 'round' | 'seed'>,
): Uint8Array {
  const statement = new TextEncoder().encode(`starling/selection/1\n${networkId}\n${round}\n`);
  return sha256Of(key.sign(sha256Of(statement, fromHex(seed))));
}

/**
 * Selects at most `count` of the candidates (docs/protocol.md, [P-76]), one for each account. Every other
 * place, from the first on, goes to the best-ranked candidate with an owner or a record, while there is one.
 * The places between them go to the best-ranked of all. So strangers, who cost nothing, have at most half of
 * the first n places for any n, unless nobody else is there. The order does not depend on that of arrival.
 */
export function selectPeers<T extends Candidate>(
  candidates: readonly T[],
  options: SelectionOptions,
): readonly T[] {
  const { purpose, count, device, secret } = options;
  const ranked = candidates
    .filter(({ author }) => author !== device)
    .map((candidate) => ({ candidate, rank: rankOf(purpose, candidate.author, secret) }))
    .sort((a, b) => (a.rank < b.rank ? -1 : 1))
    .map(({ candidate }) => candidate);
  const accounts = new Set<string>();
  const waiting = ranked.filter(({ author, standing }) => {
    const account = accountOf(author, standing);
    return !accounts.has(account) && accounts.add(account);
  });
  const selected: T[] = [];
  while (selected.length < count && waiting.length > 0) {
    const trusted =
      selected.length % 2 === 0 ? waiting.findIndex(({ standing }) => standing.kind !== 'unknown') : 0;
    selected.push(...waiting.splice(Math.max(0, trusted), 1));
  }
  return selected;
}

/**
 * The first `count` of the peers that the swarm selected, without the device itself, each author once. Peers
 * to judge stay in the order of their selection. Peers to train on come by author, so that a replay needs
 * only the peers that were used, in any order.
 */
export function narrowPeers<T extends Author>(
  purpose: SelectionPurpose,
  peers: readonly T[],
  count: number,
  device: DeviceAddress,
): readonly T[] {
  const authors = new Set<string>([device]);
  const first = peers.filter(({ author }) => !authors.has(author) && authors.add(author)).slice(0, count);
  return purpose === 'critique' ? first : byAuthor(first);
}

/** Sorts by the author's address. */
export function byAuthor<T extends Author>(peers: readonly T[]): readonly T[] {
  return [...peers].sort((a, b) => (a.author < b.author ? -1 : a.author > b.author ? 1 : 0));
}

/** sha2-256 over the purpose, the secret and the author, in hexadecimal. The smallest ranks come first. */
function rankOf(purpose: SelectionPurpose, author: DeviceAddress, secret: Uint8Array): string {
  const label = new TextEncoder().encode(`starling/selection-rank/1\n${purpose}\n`);
  return toHex(sha256Of(label, secret, fromHex(author)));
}
