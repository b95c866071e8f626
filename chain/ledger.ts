import { type Hex, hashTypedData } from 'viem';
import type { DeviceKey } from '../protocol/device-key.ts';
import type { DeviceAddress } from '../protocol/hex.ts';
import type { Attestation, Ledger, RoundClock, Signed, Vote } from '../protocol/ledger.ts';
import type { Standing } from '../protocol/standing.ts';
import { ChainError } from './errors.ts';
import { isSignedBy } from './signatures.ts';
import type { SwarmLocation } from './swarm-location.ts';
import { ATTESTATION_TYPES, domainOf, VOTE_TYPES } from './typed-data.ts';

/** The most winners of a vote: `MAX_WINNERS` of the Participation contract. */
export const MAX_WINNERS = 64;

export interface ChainLedgerOptions {
  readonly clock: RoundClock;
  readonly device: DeviceKey;
  readonly chainId: number;
  /** The swarm that is signed for. */
  readonly location: SwarmLocation;
  /** Reads the standing of at most 256 devices from the chain. `readStandings` of standings.ts is one. */
  readonly readStandings: (devices: readonly DeviceAddress[]) => Promise<readonly Standing[]>;
}

/** The digest that a device signs to attest a round of one swarm at one deployment. */
export function attestationDigest(
  chainId: number,
  { participation, swarm }: SwarmLocation,
  attestation: Attestation,
): Hex {
  const { round, checkpointRoot, rolloutDigest } = attestation;
  return hashTypedData({
    domain: domainOf(chainId, participation),
    types: ATTESTATION_TYPES,
    primaryType: 'Attestation',
    message: { swarm: BigInt(swarm), round: BigInt(round), checkpointRoot, rolloutDigest },
  });
}

/**
 * The digest that a device signs to vote in one swarm at one deployment. The winners are hashed in the given
 * order.
 */
export function voteDigest(
  chainId: number,
  { participation, swarm }: SwarmLocation,
  { round, winners }: Vote,
): Hex {
  return hashTypedData({
    domain: domainOf(chainId, participation),
    types: VOTE_TYPES,
    primaryType: 'Vote',
    message: { swarm: BigInt(swarm), round: BigInt(round), winners },
  });
}

/**
 * The ledger of one swarm over one deployment of Participation. It signs and verifies without a node, and
 * asks the node for standings.
 */
export class ChainLedger implements Ledger {
  readonly clock: RoundClock;
  readonly #options: ChainLedgerOptions;

  constructor(options: ChainLedgerOptions) {
    this.clock = options.clock;
    this.#options = options;
  }

  /** Rejects with ChainError for values that no contract could take. */
  async signAttestation(attestation: Attestation): Promise<Signed<Attestation>> {
    checkRound(attestation.round);
    return this.#signed(attestation, (value) => this.#attestationDigest(value));
  }

  /**
   * Signs the vote with its winners in lower case and ascending order, the only order that the contract
   * takes. Publish the returned value, not the given one. Rejects with ChainError if a winner is named twice,
   * or for more winners than MAX_WINNERS.
   */
  async signVote(vote: Vote): Promise<Signed<Vote>> {
    checkRound(vote.round);
    const winners = vote.winners.map((winner): Hex => `0x${winner.slice(2).toLowerCase()}`).sort();
    if (winners.length > MAX_WINNERS || new Set(winners).size !== winners.length) {
      throw new ChainError('invalid', `A vote names each of at most ${MAX_WINNERS} winners once.`);
    }
    return this.#signed({ round: vote.round, winners }, (value) => this.#voteDigest(value));
  }

  verifyAttestation({ value, device, signature }: Signed<Attestation>): Promise<boolean> {
    return verified(device, signature, () => this.#attestationDigest(value));
  }

  verifyVote({ value, device, signature }: Signed<Vote>): Promise<boolean> {
    return verified(device, signature, () => this.#voteDigest(value));
  }

  standingsOf(devices: readonly DeviceAddress[]): Promise<readonly Standing[]> {
    return this.#options.readStandings(devices);
  }

  #signed<T>(value: T, digestOf: (value: T) => Hex): Signed<T> {
    const { device } = this.#options;
    return { value, device: device.address, signature: device.signRecoverable(digestOf(value)) };
  }

  #attestationDigest(attestation: Attestation): Hex {
    return attestationDigest(this.#options.chainId, this.#options.location, attestation);
  }

  #voteDigest(vote: Vote): Hex {
    return voteDigest(this.#options.chainId, this.#options.location, vote);
  }
}

/** False also for a value that cannot be hashed: it may come from a remote peer. */
async function verified(device: Hex, signature: Hex, digest: () => Hex): Promise<boolean> {
  try {
    return await isSignedBy(device, digest(), signature);
  } catch {
    return false;
  }
}

function checkRound(round: number): void {
  if (!Number.isSafeInteger(round) || round < 0) {
    throw new ChainError('invalid', `${round} is no round. Read the round from the clock.`);
  }
}
