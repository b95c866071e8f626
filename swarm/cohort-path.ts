import { sha256Of } from '../protocol/sha256-of.ts';

/** How often a swarm may be halved. 2^10 cohorts of 24 members are 24,576. */
export const MOST_LEVELS = 10;

/**
 * The way of a device through the halves of a swarm: a text of `MOST_LEVELS` digits 0 and 1, the first bits
 * of sha2-256("starling/cohort/1\n" ‖ network id ‖ "\n" ‖ public key). Its cohort at level n has the first n
 * of them (docs/protocol.md, [P-190]). `publicKey` has 33 bytes.
 */
export function cohortPath(networkId: string, publicKey: Uint8Array): string {
  const digest = sha256Of(new TextEncoder().encode(`starling/cohort/1\n${networkId}\n`), publicKey);
  const first = new DataView(digest.buffer, digest.byteOffset).getUint16(0);
  return first.toString(2).padStart(16, '0').slice(0, MOST_LEVELS);
}

/** The paths of all cohorts, those of level 1 first. */
export function allCohorts(): readonly string[] {
  return Array.from({ length: MOST_LEVELS }, (_, level) => level + 1).flatMap((level) =>
    Array.from({ length: 2 ** level }, (_, number) => number.toString(2).padStart(level, '0')),
  );
}
