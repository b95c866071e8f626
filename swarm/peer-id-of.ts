import type { PeerId } from '@libp2p/interface';
import { peerIdFromString } from '@libp2p/peer-id';
import { BoundedMap } from './bounded-map.ts';

/** Peers whose ids are kept: more than a member knows at a time. */
const KEPT = 4_096;
const kept = new BoundedMap<string, PeerId>(KEPT);

/**
 * The peer id of its text. It is kept, because libp2p decompresses the public key inside each time, which
 * takes a third of a millisecond of Node. Throws what `peerIdFromString` throws for another text.
 */
export function peerIdOf(text: string): PeerId {
  const known = kept.get(text);
  if (known !== undefined) return known;
  const peerId = peerIdFromString(text);
  kept.set(text, peerId);
  return peerId;
}
