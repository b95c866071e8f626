/**
 * Which groups exchange weights in an outer step, and what is recorded of it. NoLoCo (arXiv 2506.10911) pairs
 * groups at random instead of averaging all of them.
 *
 * - **[NL-1]** The partner follows from the round's seed: a random order of the groups, cut in two halves
 *   whose members of equal place are partners. Of an odd number the last one of the order has no partner.
 * - **[NL-2]** A record has one root of weights for each group, or null for a group that was not there at the
 *   deadline. A pair exchanges only if both roots are in the record. Otherwise each of the two steps by
 *   itself.
 */
import type { Hex } from '../../protocol/hex.ts';
import { RandomStream } from '../../protocol/philox.ts';

/** A number of groups or a record that no outer step can have. The message tells what to give instead. */
export class PairingError extends Error {
  override readonly name = 'PairingError';
}

/** Most groups that can be paired. */
const MOST_GROUPS = 4096;

const ROOT = /^0x[0-9a-f]{64}$/;

export interface PairingOptions {
  /** The round's seed, 1 to 64 bytes. */
  readonly seed: Uint8Array;
  /** The number of the outer step. */
  readonly round: number;
  readonly groups: number;
}

/**
 * The partner of each group by its number. A group without a partner has its own number. Throws PairingError
 * for a number of groups outside 1 to 4096.
 */
export function partnersOf({ seed, round, groups }: PairingOptions): readonly number[] {
  if (!Number.isInteger(groups) || groups < 1 || groups > MOST_GROUPS) {
    throw new PairingError(`An outer step has 1 to ${MOST_GROUPS} groups, not ${groups}.`);
  }
  const draws = RandomStream.named({ seed, round, device: '', purpose: 'pairing' }).sequence(0);
  const order = draws.shuffle(Array.from({ length: groups }, (_, group) => group));
  const half = Math.floor(groups / 2);
  const partners = Array.from({ length: groups }, (_, group) => group);
  for (const [place, group] of order.slice(0, half).entries()) {
    const partner = order[place + half] ?? group;
    partners[group] = partner;
    partners[partner] = group;
  }
  return partners;
}

/** What a round's outer step was computed from. */
export interface OuterRecord {
  /** The number of the outer step. */
  readonly round: number;
  /** Root of each group's weights before the step, or null for a group that was missing at the deadline. */
  readonly roots: readonly (Hex | null)[];
}

/** The outer step of one group. */
export type GroupStep =
  | { readonly kind: 'pair'; readonly partner: number; readonly root: Hex }
  /** `odd`: the round has no partner for it. `missing`: it or its partner was not there at the deadline. */
  | { readonly kind: 'self'; readonly why: 'odd' | 'missing' };

/**
 * The step of each group, from the record and the round's seed alone. Throws PairingError as `partnersOf`.
 */
export function groupSteps(seed: Uint8Array, record: OuterRecord): readonly GroupStep[] {
  const { round, roots } = record;
  return partnersOf({ seed, round, groups: roots.length }).map((partner, group): GroupStep => {
    if (partner === group) return { kind: 'self', why: 'odd' };
    const root = roots[partner] ?? null;
    if (root === null || (roots[group] ?? null) === null) return { kind: 'self', why: 'missing' };
    return { kind: 'pair', partner, root };
  });
}

/** Reads a record from JSON. Throws PairingError for anything but a record within its limits. */
export function parseOuterRecord(value: unknown): OuterRecord {
  if (typeof value !== 'object' || value === null) throw new PairingError('A record must be an object.');
  const { round, roots } = value as { readonly round?: unknown; readonly roots?: unknown };
  if (typeof round !== 'number' || !Number.isInteger(round) || round < 0 || round > 0xffffffff) {
    throw new PairingError('The round of a record must be a whole number below 2^32.');
  }
  if (!Array.isArray(roots) || roots.length < 1 || roots.length > MOST_GROUPS) {
    throw new PairingError(`A record needs the roots of 1 to ${MOST_GROUPS} groups.`);
  }
  const checked = roots.map((root: unknown): Hex | null => {
    if (root === null || isRoot(root)) return root;
    throw new PairingError('A root must be null or 0x and 64 digits in lower case.');
  });
  return { round, roots: checked };
}

function isRoot(value: unknown): value is Hex {
  return typeof value === 'string' && ROOT.test(value);
}
