import { type Address, type Hex, hashTypedData, type PublicClient } from 'viem';
import type { DeviceKey } from '../protocol/device-key.ts';
import { toChainError } from './errors.ts';
import { identityAbi } from './generated/abi.ts';
import type { IncludedTransaction, TransactionQueue } from './transaction-queue.ts';
import { CONSENT_TYPES, DELEGATION_TYPES, domainOf } from './typed-data.ts';

/** Scope bits of contracts/src/IIdentity.sol. */
export const SCOPE = { attest: 1, vote: 2 } as const;

/**
 * How long a delegation is valid. A day less than the contract allows, because the node's clock may be
 * behind.
 */
const VALIDITY_SECONDS = 89 * 86_400;

/** What an owner signs. */
export interface Delegation {
  readonly owner: Address;
  readonly sessionKey: Address;
  readonly peerId: Hex;
  readonly scope: number;
  /** Unix time in seconds. */
  readonly validUntil: bigint;
  readonly epoch: number;
}

/** Everything that `bind` of the Identity contract takes. Anybody may post it. */
export interface SignedBinding {
  readonly x: Hex;
  readonly y: Hex;
  readonly delegation: Delegation;
  readonly ownerSignature: Hex;
  readonly consentSignature: Hex;
}

export interface DelegationOptions {
  readonly owner: Address;
  readonly device: Pick<DeviceKey, 'address' | 'peerIdDigest'>;
  /** The owner's epoch on the chain, from `readEpoch`. */
  readonly epoch: number;
  /** The chain's time, Unix seconds. */
  readonly chainSeconds: number;
  /** Bits of SCOPE. Defaults to attest and vote. */
  readonly scope?: number;
}

/** The delegation for an owner to sign. It is valid for 89 days. */
export function delegationFor(options: DelegationOptions): Delegation {
  const { owner, device, epoch, chainSeconds, scope = SCOPE.attest | SCOPE.vote } = options;
  return {
    owner,
    sessionKey: device.address,
    peerId: device.peerIdDigest,
    scope,
    validUntil: BigInt(Math.floor(chainSeconds) + VALIDITY_SECONDS),
    epoch,
  };
}

/** The EIP-712 message for the wallet, as `signTypedData` and `eth_signTypedData_v4` take it. */
export function delegationTypedData(chainId: number, identity: Address, delegation: Delegation) {
  return {
    domain: domainOf(chainId, identity),
    types: DELEGATION_TYPES,
    primaryType: 'Delegation',
    message: delegation,
  } as const;
}

/** The device's signature of `SessionConsent(owner, epoch)`: the device agrees to this owner. */
export function signConsent(
  device: DeviceKey,
  chainId: number,
  identity: Address,
  owner: Address,
  epoch: number,
): Hex {
  return device.signRecoverable(
    hashTypedData({
      domain: domainOf(chainId, identity),
      types: CONSENT_TYPES,
      primaryType: 'SessionConsent',
      message: { owner, epoch },
    }),
  );
}

/** The epoch that the owner's next delegation must carry. Throws ChainError. */
export async function readEpoch(client: PublicClient, identity: Address, owner: Address): Promise<number> {
  try {
    return await client.readContract({
      address: identity,
      abi: identityAbi,
      functionName: 'epochOf',
      args: [owner],
    });
  } catch (error) {
    throw toChainError(error);
  }
}

/** A device's owner on the chain. */
export interface DeviceBinding {
  /** Lower case. It stays the owner when the delegation ends. */
  readonly owner: Hex;
  /** Unix time in seconds. */
  readonly validUntil: number;
  readonly revoked: boolean;
  readonly scope: number;
}

/** To whom a device was bound and for how long; null if it never was. Throws ChainError. */
export async function readBinding(
  client: PublicClient,
  identity: Address,
  device: Address,
): Promise<DeviceBinding | null> {
  try {
    const { owner, validUntil, revoked, scope } = await client.readContract({
      address: identity,
      abi: identityAbi,
      functionName: 'bindingOf',
      args: [device],
    });
    if (BigInt(owner) === 0n) return null;
    return { owner: `0x${owner.slice(2).toLowerCase()}`, validUntil, revoked, scope };
  } catch (error) {
    throw toChainError(error);
  }
}

/** Every device that an owner ever bound, with the revoked and the expired ones. Throws ChainError. */
export async function readDevices(
  client: PublicClient,
  identity: Address,
  owner: Address,
): Promise<readonly Address[]> {
  try {
    return await client.readContract({
      address: identity,
      abi: identityAbi,
      functionName: 'devicesOf',
      args: [owner],
    });
  } catch (error) {
    throw toChainError(error);
  }
}

export interface PostBindingOptions {
  /** Of any account with coin: whoever posts a binding gains nothing by it. */
  readonly queue: TransactionQueue;
  readonly identity: Address;
  readonly binding: SignedBinding;
}

/** Posts a binding. Throws ChainError with the contract's reason. */
export function postBinding({ queue, identity, binding }: PostBindingOptions): Promise<IncludedTransaction> {
  const { x, y, delegation, ownerSignature, consentSignature } = binding;
  return queue.call({
    address: identity,
    abi: identityAbi,
    functionName: 'bind',
    args: [x, y, delegation, ownerSignature, consentSignature],
  });
}
