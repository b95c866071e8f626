import {
  type Address,
  encodeAbiParameters,
  type Hex,
  keccak256,
  type PublicClient,
  parseAbiParameters,
} from 'viem';
import type { Attestation, Signed } from '../protocol/ledger.ts';
import { ChainError, toChainError } from './errors.ts';
import { participationAbi } from './generated/abi.ts';
import { compactSignature } from './signatures.ts';
import { type Done, type Parties, transact } from './transact.ts';

const LEAF = parseAbiParameters('address, bytes32, bytes32, bytes32, bytes32');
const NODE = parseAbiParameters('bytes32, bytes32');

/** An attestation as the Participation contract takes it. */
export interface AttestationEntry {
  readonly device: Address;
  readonly checkpointRoot: Hex;
  readonly rolloutDigest: Hex;
  readonly r: Hex;
  readonly vs: Hex;
}

/** One attestation of a round, and that it is under the round's root. */
export interface IncludedAttestation {
  readonly entry: AttestationEntry;
  readonly proof: readonly Hex[];
}

/** A whole round under one root. */
export interface RoundCommitment {
  readonly round: number;
  readonly root: Hex;
  /** In the order in which they were given. Whoever posts the root has to hand these out: the chain has only the root. */
  readonly included: readonly IncludedAttestation[];
}

/**
 * Puts the attestations of one round under one Merkle root: leaves are keccak256 of the ABI-encoded entry, nodes keccak256 of their two
 * children, the smaller first (as in OpenZeppelin's MerkleProof). Throws ChainError when there are none, they are of different rounds, or
 * one has no usable signature.
 */
export function commitToRound(attestations: readonly Signed<Attestation>[]): RoundCommitment {
  const round = attestations[0]?.value.round;
  if (round === undefined) throw new ChainError('invalid', 'There is no attestation to post.');
  const entries = attestations.map((signed) => {
    if (signed.value.round !== round) {
      throw new ChainError('invalid', 'A root is for one round. Post one for each.');
    }
    return entryOf(signed);
  });
  const levels: Hex[][] = [entries.map(leafOf)];
  for (let level = levels[0]; level !== undefined && level.length > 1; level = levels.at(-1)) {
    levels.push(parentsOf(level));
  }
  const root = levels.at(-1)?.[0];
  if (root === undefined) throw new ChainError('invalid', 'There is no attestation to post.');
  const included = entries.map((entry, i) => ({
    entry,
    proof: levels.flatMap((level, height) => level[(i >> height) ^ 1] ?? []),
  }));
  return { round, root, included };
}

/** Posts the root of a round that is open, for the price of one attestation. Throws ChainError. */
export function postRoundRoot(
  options: Parties & { readonly participation: Address; readonly commitment: RoundCommitment },
): Promise<Done> {
  const { participation, commitment } = options;
  return transact(options, {
    address: participation,
    abi: participationAbi,
    functionName: 'postRoot',
    args: [BigInt(commitment.round), commitment.root, BigInt(commitment.included.length)],
  });
}

export interface CountOptions extends Parties {
  readonly participation: Address;
  readonly round: number;
  readonly root: Hex;
  /** At most 256. */
  readonly included: readonly IncludedAttestation[];
}

/** Counts attestations out of a posted root, however long ago its round was. Each device's rounds count in ascending order. Throws ChainError. */
export function countFromRoot(options: CountOptions): Promise<Done> {
  const { participation, round, root, included } = options;
  return transact(options, {
    address: participation,
    abi: participationAbi,
    functionName: 'attestFromRoot',
    args: [BigInt(round), root, included.map(({ entry }) => entry), included.map(({ proof }) => proof)],
  });
}

/** Whether a root was posted while its round was open and holds this entry, signed by its device. Throws ChainError. */
export async function isIncluded(
  client: PublicClient,
  participation: Address,
  round: number,
  root: Hex,
  { entry, proof }: IncludedAttestation,
): Promise<boolean> {
  try {
    return await client.readContract({
      address: participation,
      abi: participationAbi,
      functionName: 'isIncluded',
      args: [BigInt(round), root, entry, proof],
    });
  } catch (error) {
    throw toChainError(error);
  }
}

function entryOf({ value, device, signature }: Signed<Attestation>): AttestationEntry {
  const halves = compactSignature(signature);
  if (halves === undefined) {
    throw new ChainError('invalid', `The attestation of ${device} has no usable signature. Leave it out.`);
  }
  const { checkpointRoot, rolloutDigest } = value;
  return { device, checkpointRoot, rolloutDigest, ...halves };
}

function leafOf({ device, checkpointRoot, rolloutDigest, r, vs }: AttestationEntry): Hex {
  return keccak256(encodeAbiParameters(LEAF, [device, checkpointRoot, rolloutDigest, r, vs]));
}

/** A node without a sibling moves up as it is. */
function parentsOf(level: readonly Hex[]): Hex[] {
  const parents: Hex[] = [];
  for (let i = 0; i < level.length; i += 2) {
    const [a, b] = [level[i], level[i + 1]];
    if (a === undefined) break;
    if (b === undefined) parents.push(a);
    else parents.push(keccak256(encodeAbiParameters(NODE, a < b ? [a, b] : [b, a])));
  }
  return parents;
}
