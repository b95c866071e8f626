import type { Network } from '../volunteer/network.ts';

/** EIP-712 type of what an owner signs; see contracts/src/IIdentity.sol. */
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

export function identityDomain(network: Network) {
  return {
    name: 'Starling',
    version: '1',
    chainId: network.chainId,
    verifyingContract: network.contracts.identity,
  } as const;
}
