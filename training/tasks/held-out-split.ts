/** Which questions are held out: evaluated on, and never trained on. */
import type { Share } from './task.ts';

/** Of a generator's identities, one in this many is held out. */
const HELD_OUT_ONE_IN = 8;

/** A 32-bit hash of a text: FNV-1a, then the finaliser of MurmurHash3 (both in the public domain). */
function identityHash(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/**
 * The share that a question of that task and identity belongs to. It never changes. `oneIn` defaults to 8,
 * the share of every generator.
 */
export function shareOf(task: string, identity: string, oneIn = HELD_OUT_ONE_IN): Share {
  return identityHash(`${task}/${identity}`) % oneIn === 0 ? 'held-out' : 'training';
}
