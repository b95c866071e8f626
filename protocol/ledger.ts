/** What the swarm asks of "a ledger". Implemented by chain/; a test may use a simulated one with a simulated clock. */
import type { DeviceAddress, Hex } from './hex.ts';

export type Stage = 'answer' | 'critique' | 'vote';

export interface ClockReading {
  readonly round: number;
  readonly stage: Stage;
  /** Milliseconds since the stage began and until it ends, on chain time. */
  readonly sinceStageStart: number;
  readonly untilStageEnd: number;
  readonly seed: Hex;
}

/** Round and stage follow from block time alone; extrapolated by the local clock while the node is out of reach. */
export interface RoundClock {
  read(): ClockReading;
}

/** What a device says about one round. Signed as EIP-712 `Attestation` by the device key. */
export interface Attestation {
  readonly round: number;
  readonly checkpointRoot: Hex;
  /** sha2-256 digest inside the CID of the device's rollout set. */
  readonly rolloutDigest: Hex;
}

/** What a device votes: the authors of the best answers, each once. Signed as EIP-712 `Vote`. */
export interface Vote {
  readonly round: number;
  readonly winners: readonly DeviceAddress[];
}

export interface Signed<T> {
  readonly value: T;
  readonly device: DeviceAddress;
  /** 65 bytes r, s, v. */
  readonly signature: Hex;
}

export interface Ledger {
  readonly clock: RoundClock;
  signAttestation(attestation: Attestation): Promise<Signed<Attestation>>;
  signVote(vote: Vote): Promise<Signed<Vote>>;
  /** True when the signature is the device's own over this chain's domain. Pure computation, no node needed. */
  verifyAttestation(signed: Signed<Attestation>): Promise<boolean>;
  verifyVote(signed: Signed<Vote>): Promise<boolean>;
}
