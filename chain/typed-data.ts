import type { Address, TypedDataDomain } from 'viem';

/**
 * The EIP-712 types that devices and owners sign. contracts/src/IIdentity.sol and IParticipation.sol hold the
 * other copy; chain/contracts.test.ts runs each through the deployed contracts.
 */
export const ATTESTATION_TYPES = {
  Attestation: [
    { name: 'swarm', type: 'uint64' },
    { name: 'round', type: 'uint64' },
    { name: 'checkpointRoot', type: 'bytes32' },
    { name: 'rolloutDigest', type: 'bytes32' },
  ],
} as const;

export const VOTE_TYPES = {
  Vote: [
    { name: 'swarm', type: 'uint64' },
    { name: 'round', type: 'uint64' },
    { name: 'winners', type: 'address[]' },
  ],
} as const;

export const DELEGATION_TYPES = {
  Delegation: [
    { name: 'owner', type: 'address' },
    { name: 'sessionKey', type: 'address' },
    { name: 'peerId', type: 'bytes32' },
    { name: 'scope', type: 'uint32' },
    { name: 'validUntil', type: 'uint64' },
    { name: 'epoch', type: 'uint32' },
    { name: 'nonce', type: 'uint32' },
    { name: 'replaces', type: 'address' },
  ],
} as const;

export const CONSENT_TYPES = {
  SessionConsent: [
    { name: 'owner', type: 'address' },
    { name: 'scope', type: 'uint32' },
    { name: 'validUntil', type: 'uint64' },
    { name: 'epoch', type: 'uint32' },
    { name: 'nonce', type: 'uint32' },
  ],
} as const;

export const SESSION_END_TYPES = {
  SessionEnd: [
    { name: 'owner', type: 'address' },
    { name: 'epoch', type: 'uint32' },
    { name: 'nonce', type: 'uint32' },
  ],
} as const;

/**
 * The EIP-712 domain of a contract. A signature for one contract is invalid at another, and on another chain.
 */
export function domainOf(chainId: number, verifyingContract: Address) {
  return { name: 'Starling', version: '1', chainId, verifyingContract } as const satisfies TypedDataDomain;
}
