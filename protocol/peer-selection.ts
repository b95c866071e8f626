/**
 * Which peers a device judges and trains on in a round. The swarm selects them from all that have revealed
 * answers, and hands them to the trainer. A trainer whose checkpoint allows fewer peers narrows the selection
 * by the same draws.
 */
import { fromHex, toHex } from './hex.ts';
import { RandomStream } from './philox.ts';
import { sha256Of } from './sha256-of.ts';
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
  readonly author: string;
}

/**
 * Selects at most `count` of the candidates, in the order in which they are used. Two steps:
 *
 * 1. The protocol's draw decides who is selected (docs/protocol.md, [P-76]). It follows from the round's
 *    seed, the selecting device and the candidate alone, so anyone can repeat it and no author can influence
 *    it.
 * 2. `narrowPeers` puts the selected peers in order.
 */
export function selectPeers<T extends Author>(
  purpose: SelectionPurpose,
  candidates: readonly T[],
  count: number,
  context: RoundContext,
): readonly T[] {
  const selected = candidates
    .map((candidate) => ({ candidate, rank: rankOf(purpose, candidate.author, context) }))
    .sort((a, b) => (a.rank < b.rank ? -1 : 1))
    .slice(0, count)
    .map(({ candidate }) => candidate);
  return narrowPeers(purpose, selected, count, context);
}

/**
 * Orders peers and takes at most `count` of them, by draws of the device's Philox streams. Leaves out the
 * device itself. Peers to judge come in drawn order. Peers to train on come by author, and each author counts
 * once. Narrowing a selection of at most `count` peers again changes nothing, so a replay needs only the
 * peers that were used.
 */
export function narrowPeers<T extends Author>(
  purpose: SelectionPurpose,
  peers: readonly T[],
  count: number,
  context: RoundContext,
): readonly T[] {
  const remotePeers = byAuthor(peers).filter(({ author }) => author !== context.device);
  if (purpose === 'critique') {
    return streamOf(context, 'critique').sequence(0).shuffle(remotePeers).slice(0, count);
  }
  const authors = new Set<string>();
  const once = remotePeers.filter(({ author }) => !authors.has(author) && authors.add(author));
  if (once.length <= count) return once;
  return byAuthor(streamOf(context, 'selection').sequence(0, 1).shuffle(once).slice(0, count));
}

/** Sorts by the author's address, an order that no message can influence. */
export function byAuthor<T extends Author>(peers: readonly T[]): readonly T[] {
  return [...peers].sort((a, b) => (a.author < b.author ? -1 : a.author > b.author ? 1 : 0));
}

/**
 * sha2-256 over the purpose, the seed, the selecting device and the author. The smallest ranks are selected.
 */
function rankOf(purpose: SelectionPurpose, author: string, { seed, device }: RoundContext): string {
  const label = new TextEncoder().encode(`starling/choose/1\n${purpose}\n`);
  return toHex(sha256Of(label, fromHex(seed), fromHex(device), fromHex(author)));
}

function streamOf({ seed, round, device }: RoundContext, purpose: 'critique' | 'selection'): RandomStream {
  return RandomStream.named({ seed: fromHex(seed), round, device, purpose });
}
