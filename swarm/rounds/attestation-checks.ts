import type { DeviceAddress } from '../../protocol/hex.ts';
import { decodeRollouts } from '../messages/rollouts.ts';
import { ObjectChecks, type ObjectChecksOptions } from './object-checks.ts';

export interface AttestationChecksOptions
  extends Omit<ObjectChecksOptions<'attest'>, 'cidOf' | 'bytesOf' | 'look' | 'wrong'> {
  /** Whether the author has revealed the rollout set of this CID in the round, and the set is here. */
  readonly hasRevealed: (round: number, author: DeviceAddress, cid: string) => boolean;
}

/** Bytes that an attestation counts for besides the sets that it names, and for each of those. */
const ATTESTATION_BYTES = 1024;
const CID_BYTES = 64;

/**
 * Finds out whether an attestation can be acknowledged: its rollout set was revealed here, or can be had from
 * its author, and names the author. The signatures were verified before. Whether a checkpoint has the
 * attested root is for archives and replays.
 */
export function attestationChecks({
  hasRevealed,
  ...options
}: AttestationChecksOptions): ObjectChecks<'attest'> {
  return new ObjectChecks<'attest'>({
    ...options,
    cidOf: ({ body }) => body.rollouts,
    bytesOf: ({ body }) => ATTESTATION_BYTES + CID_BYTES * body.foreign.length,
    look: ({ round, author, body }) => (hasRevealed(round, author, body.rollouts) ? 'right' : 'unknown'),
    wrong({ author }, object) {
      const set = decodeRollouts(object);
      if (set.author === author) return undefined;
      return `${author} attests rollouts that name ${set.author} as their author`;
    },
  });
}
