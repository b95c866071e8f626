import { BaseError, ContractFunctionRevertedError, InsufficientFundsError } from 'viem';
import { refusalOf } from './refusals.ts';

export type ChainErrorCode =
  /** No answer from the node. */
  | 'unreachable'
  /** The node is another chain's, or the contracts are not there. */
  | 'wrong-network'
  /** The contract said no. */
  | 'refused'
  /** The account that pays has too little. */
  | 'no-funds'
  /** What was handed in cannot be right. */
  | 'invalid'
  /** A local program is missing or did not start. */
  | 'no-node';

/** What went wrong with the chain, in one sentence that names the remedy. */
export class ChainError extends Error {
  override readonly name = 'ChainError';
  readonly code: ChainErrorCode;

  constructor(code: ChainErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Sentences for the contracts' custom errors (contracts/src/IIdentity.sol, IParticipation.sol). */
const SENTENCES: Readonly<Record<string, string>> = {
  NotOnCurve: 'The device’s public key is no point of secp256k1. Restore the key from its backup.',
  WrongDevice: 'The delegation names another device. Sign again on this device.',
  WrongPeerId: 'The delegation names another PeerId. Sign again on this device.',
  BadOwner: 'A device cannot be its own owner. Connect another wallet.',
  BadScope: 'The delegation allows nothing the contract knows. Sign again.',
  BadValidity:
    'The delegation lies in the past or lasts longer than 90 days. Check the clock and sign again.',
  WrongEpoch: 'The owner has revoked earlier signatures. Sign again.',
  BadOwnerSignature: 'The wallet’s signature does not fit. Sign again on the right chain.',
  BadConsentSignature: 'The device’s consent does not fit. Sign again.',
  Taken: 'The device belongs to another owner for good. Use another browser profile, or a new device key.',
  DeviceRevoked:
    'The device was revoked. Its owner must revoke all devices and bind it again to take it back.',
  NotLonger: 'The device is bound at least that long already. Nothing needs doing.',
  TooManyDevices: 'The owner has bound as many devices as one may. Use another wallet.',
  NotYours: 'Only the owner of a device that is in force can revoke it. Connect that wallet.',
  BadBatchSize: 'A batch holds 1 to 256 entries. Split it.',
  BadDeployment: 'Every stage lasts a second to a day, and the identity contract must be deployed first.',
  BeforeGenesis: 'The rounds have not begun yet.',
};

/** Name of the custom error a contract call failed with, and its arguments; undefined for any other failure. */
export function revertOf(
  error: unknown,
): { readonly name: string; readonly args: readonly unknown[] } | undefined {
  if (!(error instanceof BaseError)) return undefined;
  const reverted = error.walk((cause) => cause instanceof ContractFunctionRevertedError);
  if (!(reverted instanceof ContractFunctionRevertedError) || reverted.data === undefined) return undefined;
  return { name: reverted.data.errorName, args: reverted.data.args ?? [] };
}

/** Any failure of a call as a ChainError: what the contract refused, or else that the node cannot be reached. */
export function toChainError(error: unknown): ChainError {
  if (error instanceof ChainError) return error;
  const revert = revertOf(error);
  if (revert?.name === 'Refused') {
    const reason = refusalOf(Number(revert.args[0]));
    return new ChainError('refused', reason.sentence, { cause: error });
  }
  if (revert !== undefined) {
    const sentence = SENTENCES[revert.name] ?? `The contract refused: ${revert.name}.`;
    return new ChainError('refused', sentence, { cause: error });
  }
  if (error instanceof BaseError && error.walk((cause) => cause instanceof InsufficientFundsError) !== null) {
    const sentence = 'The account that pays for the transaction has too little coin. Send it some.';
    return new ChainError('no-funds', sentence, { cause: error });
  }
  const detail = error instanceof BaseError ? error.shortMessage : String(error);
  return new ChainError(
    'unreachable',
    `The chain’s node gave no usable answer (${detail}) Try again later.`,
    {
      cause: error,
    },
  );
}
