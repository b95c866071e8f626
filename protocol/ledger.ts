/**
 * The ledger as the swarm sees it: chain time, and signatures that count on the chain. chain/ implements it;
 * tests use a simulated one on a simulated clock.
 */
import type { DeviceAddress, Hex } from './hex.ts';
import type { Standing } from './standing.ts';

export type Stage = 'answer' | 'critique' | 'vote';

/** Where chain time stands: the round, its stage and its seed. */
export interface ClockReading {
  readonly round: number;
  readonly stage: Stage;
  /** Milliseconds since the stage began and until it ends, on chain time. */
  readonly sinceStageStart: number;
  readonly untilStageEnd: number;
  readonly seed: Hex;
}

/**
 * Tells round and stage, which follow from block time alone. The local clock carries it on while the node is
 * out of reach. testing/ledger-contract.ts tests the rules:
 *
 * - [RC-01] A round has the stages answer, critique and vote, in this order. The next round follows at once.
 * - [RC-02] `sinceStageStart` and `untilStageEnd` always add up to the length of the stage.
 * - [RC-03] The seed is 32 bytes, the same through a round and another in every other round.
 */
export interface RoundClock {
  /** Round and stage at this moment. */
  read(): ClockReading;
}

/** A device's statement about one round. Signed as EIP-712 `Attestation` by the device key. */
export interface Attestation {
  readonly round: number;
  readonly checkpointRoot: Hex;
  /** sha2-256 digest inside the CID of the device's rollout set. */
  readonly rolloutDigest: Hex;
}

/** A device's vote: the authors of the best answers, each once. Signed as EIP-712 `Vote`. */
export interface Vote {
  readonly round: number;
  readonly winners: readonly DeviceAddress[];
}

/** A statement with the signature of the device that made it. */
export interface Signed<T> {
  readonly value: T;
  readonly device: DeviceAddress;
  /** 65 bytes r, s, v. */
  readonly signature: Hex;
}

/**
 * Signs and verifies for one device on one network. testing/ledger-contract.ts tests the rules:
 *
 * - [LE-01] Signatures are those of the ledger's own device: 65 bytes r, s, v.
 * - [LE-02] Every ledger of the network verifies them.
 * - [LE-03] They do not verify for any other value.
 * - [LE-04] They do not verify for another device, for another kind of statement or on another network.
 * - [LE-05] Verifying values and signatures that are malformed resolves to false. It never rejects.
 * - [LE-06] A vote is signed with its winners in lower case and ascending order. The returned value is what
 *   was signed.
 * - [LE-07] Signing rejects for a round that is no round, and for a vote that names a winner twice.
 * - [LE-08] It tells the standing of each device asked about, in the order asked. Of a device that nobody has
 *   heard of it says `unknown`.
 */
export interface Ledger {
  readonly clock: RoundClock;
  /** Signs as the ledger's own device. Rejects as [LE-07] says. */
  signAttestation(attestation: Attestation): Promise<Signed<Attestation>>;
  /** Signs as the ledger's own device, with the winners in ascending order. */
  signVote(vote: Vote): Promise<Signed<Vote>>;
  /** Whether the signature is the device's own over this chain's domain. Computed without asking a node. */
  verifyAttestation(signed: Signed<Attestation>): Promise<boolean>;
  /** Whether the signature is the device's own over this chain's domain. Computed without asking a node. */
  verifyVote(signed: Signed<Vote>): Promise<boolean>;
  /**
   * The standing of at most 256 devices now, in their order, read in a fixed number of requests. Rejects
   * while the chain's node is out of reach.
   */
  standingsOf(devices: readonly DeviceAddress[]): Promise<readonly Standing[]>;
}
