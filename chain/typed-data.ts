import type { Address, TypedDataDomain } from 'viem';

/**
 * The EIP-712 definitions that devices and owners sign. contracts/src/IIdentity.sol and IParticipation.sol hold the other
 * copy; the tests run each through the deployed contracts.
 */
export const ATTESTATION_TYPES = {
  Attestation: [
    { name: 'round', type: 'uint64' },
    { name: 'checkpointRoot', type: 'bytes32' },
    { name: 'rolloutDigest', type: 'bytes32' },
  ],
} as const;

export const VOTE_TYPES = {
  Vote: [
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
  ],
} as const;

export const CONSENT_TYPES = {
  SessionConsent: [
    { name: 'owner', type: 'address' },
    { name: 'epoch', type: 'uint32' },
  ],
} as const;

/** The domain of one of the two contracts; a signature for one is worth nothing at the other, or on another chain. */
export function domainOf(chainId: number, verifyingContract: Address) {
  return { name: 'Starling', version: '1', chainId, verifyingContract } as const satisfies TypedDataDomain;
}
