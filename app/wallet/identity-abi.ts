import { parseAbi } from 'viem';

/** The part of contracts/src/IIdentity.sol that a binding needs. */
export const identityAbi = parseAbi([
  'struct Delegation { address owner; address sessionKey; bytes32 peerId; uint32 scope; uint64 validUntil; uint32 epoch; }',
  'function epochOf(address owner) view returns (uint32)',
  'function bind(bytes32 x, bytes32 y, Delegation delegation, bytes ownerSignature, bytes consentSignature)',
  'error WrongDevice(address derived, address named)',
  'error WrongPeerId(bytes32 derived, bytes32 named)',
  'error BadOwner(address owner)',
  'error BadScope(uint32 scope)',
  'error BadValidity(uint64 validUntil, uint256 earliest, uint256 latest)',
  'error WrongEpoch(uint32 signed, uint32 current)',
  'error BadOwnerSignature()',
  'error BadConsentSignature()',
  'error Taken(address device, address owner)',
  'error DeviceRevoked(address device)',
  'error NotLonger(uint64 validUntil, uint64 current)',
  'error TooManyDevices()',
]);
