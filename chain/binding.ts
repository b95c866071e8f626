import { type Address, type Hex, hashTypedData, type PublicClient, zeroAddress } from 'viem';
import type { DeviceKey } from '../protocol/device-key.ts';
import { toChainError } from './errors.ts';
import { identityAbi } from './generated/abi.ts';
import type { IncludedTransaction, TransactionQueue } from './transaction-queue.ts';
import { CONSENT_TYPES, DELEGATION_TYPES, domainOf, SESSION_END_TYPES } from './typed-data.ts';

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
  /** Only a delegation with a higher nonce takes the place of one that was posted in the same epoch. */
  readonly nonce: number;
  /** A device of the owner that this one replaces; the zero address when there is none. */
  readonly replaces: Address;
}

/** What a device agrees to: these fields of a delegation, and no others. */
export type ConsentTerms = Pick<Delegation, 'owner' | 'scope' | 'validUntil' | 'epoch' | 'nonce'>;

/** Everything that `bind` of the Identity contract takes. Anybody may post it. */
export interface SignedBinding {
  readonly x: Hex;
  readonly y: Hex;
  readonly delegation: Delegation;
  readonly ownerSignature: Hex;
  readonly consentSignature: Hex;
}

/** What the chain says about the next delegation of a device by an owner. */
export interface NextTerms {
  /** The owner's epoch. */
  readonly epoch: number;
  /** Higher than that of any delegation that was posted for the device. */
  readonly nonce: number;
  /** Time of the latest block, Unix seconds. */
  readonly chainSeconds: number;
}

export interface DelegationOptions extends NextTerms {
  readonly owner: Address;
  readonly device: Pick<DeviceKey, 'address' | 'peerIdDigest'>;
  /** Bits of SCOPE. Defaults to attest and vote. */
  readonly scope?: number;
  /**
   * The device of the owner whose key this one replaces: its delegation ends in the same transaction.
   * Defaults to none.
   */
  readonly replaces?: Address;
}

/**
 * Reads what the next delegation of a device has to carry. The nonce is the chain's time in seconds, so that
 * of two delegations that were signed and not posted the newer one wins. Throws ChainError.
 */
export async function readNextTerms(
  client: PublicClient,
  identity: Address,
  owner: Address,
  device: Address,
): Promise<NextTerms> {
  try {
    const of = { address: identity, abi: identityAbi } as const;
    const [epoch, { nonce }, { timestamp }] = await Promise.all([
      client.readContract({ ...of, functionName: 'epochOf', args: [owner] }),
      client.readContract({ ...of, functionName: 'bindingOf', args: [device] }),
      client.getBlock(),
    ]);
    const chainSeconds = Number(timestamp);
    return { epoch, nonce: Math.max(chainSeconds, nonce + 1), chainSeconds };
  } catch (error) {
    throw toChainError(error);
  }
}

/** The delegation for an owner to sign. It is valid for 89 days. */
export function delegationFor(options: DelegationOptions): Delegation {
  const { owner, device, epoch, nonce, chainSeconds, replaces = zeroAddress } = options;
  const { scope = SCOPE.attest | SCOPE.vote } = options;
  return {
    owner,
    sessionKey: device.address,
    peerId: device.peerIdDigest,
    scope,
    validUntil: BigInt(Math.floor(chainSeconds) + VALIDITY_SECONDS),
    epoch,
    nonce,
    replaces,
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

/** The device's signature of `SessionConsent`: it agrees to this owner, scope, end, epoch and nonce. */
export function signConsent(device: DeviceKey, chainId: number, identity: Address, terms: ConsentTerms): Hex {
  const { owner, scope, validUntil, epoch, nonce } = terms;
  return device.signRecoverable(
    hashTypedData({
      domain: domainOf(chainId, identity),
      types: CONSENT_TYPES,
      primaryType: 'SessionConsent',
      message: { owner, scope, validUntil, epoch, nonce },
    }),
  );
}

/**
 * The device's signature of `SessionEnd`: it ends the delegation that `readBinding` gave, and no later one.
 * Anybody may post it with `postSessionEnd`.
 */
export function signSessionEnd(
  device: DeviceKey,
  chainId: number,
  identity: Address,
  { owner, epoch, nonce }: Pick<DeviceBinding, 'owner' | 'epoch' | 'nonce'>,
): Hex {
  return device.signRecoverable(
    hashTypedData({
      domain: domainOf(chainId, identity),
      types: SESSION_END_TYPES,
      primaryType: 'SessionEnd',
      message: { owner, epoch, nonce },
    }),
  );
}

/** A device's owner on the chain. */
export interface DeviceBinding {
  /** Lower case. It stays the owner when the delegation ends. */
  readonly owner: Hex;
  /** Unix time in seconds. */
  readonly validUntil: number;
  readonly epoch: number;
  readonly nonce: number;
  /** By the owner, or because the device left. */
  readonly revoked: boolean;
  /** Whether another device has its place, so that it can never be bound again. */
  readonly retired: boolean;
  readonly scope: number;
}

/** To whom a device was bound and for how long; null if it never was. Throws ChainError. */
export async function readBinding(
  client: PublicClient,
  identity: Address,
  device: Address,
): Promise<DeviceBinding | null> {
  try {
    const { owner, ...binding } = await client.readContract({
      address: identity,
      abi: identityAbi,
      functionName: 'bindingOf',
      args: [device],
    });
    if (BigInt(owner) === 0n) return null;
    return { owner: `0x${owner.slice(2).toLowerCase()}`, ...binding };
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

/**
 * Posts a binding. With `replaces` it also ends the delegation of the device that is replaced. Throws
 * ChainError with the contract's reason.
 */
export function postBinding({ queue, identity, binding }: PostBindingOptions): Promise<IncludedTransaction> {
  const { x, y, delegation, ownerSignature, consentSignature } = binding;
  return queue.call({
    address: identity,
    abi: identityAbi,
    functionName: 'bind',
    args: [x, y, delegation, ownerSignature, consentSignature],
  });
}

export interface PostSessionEndOptions {
  /** Of any account with coin. */
  readonly queue: TransactionQueue;
  readonly identity: Address;
  readonly device: Address;
  /** From `signSessionEnd`. */
  readonly signature: Hex;
}

/** Ends a device's delegation with its own signature. Throws ChainError with the contract's reason. */
export function postSessionEnd(options: PostSessionEndOptions): Promise<IncludedTransaction> {
  const { queue, identity, device, signature } = options;
  return queue.call({
    address: identity,
    abi: identityAbi,
    functionName: 'endSessionFor',
    args: [device, signature],
  });
}
