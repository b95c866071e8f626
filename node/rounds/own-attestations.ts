import type { Hex } from '../../protocol/hex.ts';
import { BoundedMap } from '../../swarm/bounded-map.ts';

/**
 * Tells whether another machine works with this device's key: the chain then has attestations of the device
 * that this process did not make. Copies of a key cannot hear each other in the swarm, but only one of them
 * is on the chain for a round.
 */
export class OwnAttestations {
  readonly #roots = new BoundedMap<number, Hex>(512);
  #first: number | undefined;

  /** A round that this process trained. */
  trained(round: number, checkpointRoot: Hex): void {
    this.#first ??= round;
    this.#roots.set(round, checkpointRoot);
  }

  /** Whether an attestation of the device on the chain was made elsewhere. */
  isForeign({ round, checkpointRoot }: { readonly round: number; readonly checkpointRoot: Hex }): boolean {
    // What is older may be of an earlier start in the same folder.
    if (this.#first === undefined || round < this.#first) return false;
    return this.#roots.get(round)?.toLowerCase() !== checkpointRoot.toLowerCase();
  }
}
