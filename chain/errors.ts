import { BaseError, ContractFunctionRevertedError, type Hex, InsufficientFundsError } from 'viem';
import { rejectReasonOf } from './reject-reasons.ts';

export type ChainErrorCode =
  /** The node does not answer. */
  | 'unreachable'
  /** The node is of another chain, or the contracts are not there. */
  | 'wrong-network'
  /** The contract refused the call. */
  | 'refused'
  /** A transaction was sent and is not known to count. */
  | 'unconfirmed'
  /** A transaction was sent, and another one of the same account took its place. It never counts. */
  | 'replaced'
  /** The wallet did not do what it was asked. */
  | 'wallet'
  /** The account that pays has too little coin. */
  | 'no-funds'
  /** An argument cannot be right. */
  | 'invalid'
  /** A local program is missing or did not start. */
  | 'no-node';

/** What went wrong with the chain. The message is one sentence that names the remedy. */
export class ChainError extends Error {
  override readonly name: string = 'ChainError';
  readonly code: ChainErrorCode;

  constructor(code: ChainErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

export interface RevertDetails {
  /** Name of the custom error; "Panic" or "Error" for Solidity's own; "Reverted" if nothing more is known. */
  readonly reason: string;
  /** The custom error's arguments. */
  readonly args?: readonly unknown[];
  /** Set when the call was sent and reverted in a block. */
  readonly transaction?: Hex;
}

/** A contract refused a call. */
export class ContractRevertError extends ChainError {
  override readonly name = 'ContractRevertError';
  readonly reason: string;
  readonly args: readonly unknown[];
  readonly transaction: Hex | undefined;

  constructor(message: string, { reason, args = [], transaction }: RevertDetails, options?: ErrorOptions) {
    super('refused', message, options);
    this.reason = reason;
    this.args = args;
    this.transaction = transaction;
  }
}

/** A call needs more gas than one transaction may have. Nothing was sent. */
export class GasLimitError extends ChainError {
  override readonly name = 'GasLimitError';
  constructor(needed: bigint, limit: bigint) {
    super('refused', `The call takes ${needed} gas, and one transaction may have ${limit}. Ask for less.`);
  }
}

/** A transaction was sent and is not known to count: it waits, or it was dropped. */
export class UnconfirmedTransactionError extends ChainError {
  override readonly name = 'UnconfirmedTransactionError';
  /** Hashes of all attempts, oldest first. */
  readonly transactions: readonly Hex[];

  constructor(transactions: readonly Hex[], options: ErrorOptions & { readonly sentence?: string } = {}) {
    const {
      sentence = 'The transaction is not known to be in a block. Read the chain again before you repeat it.',
    } = options;
    super('unconfirmed', sentence, options);
    this.transactions = transactions;
  }
}

const REPLACED = {
  cancelled: 'The transaction was cancelled in the wallet, so nothing was changed. You can try again.',
  replaced:
    'Another transaction took its place in the wallet, so this one does not count. Look there before you repeat it.',
} as const;

/** The person cancelled a transaction in the wallet, or put another one under its nonce. */
export class ReplacedTransactionError extends ChainError {
  override readonly name = 'ReplacedTransactionError';
  readonly reason: 'cancelled' | 'replaced';
  /** Hash of the transaction that never counts. */
  readonly transaction: Hex;
  /** Hash of the transaction that is in a block instead. */
  readonly replacement: Hex;

  constructor(
    reason: 'cancelled' | 'replaced',
    { transaction, replacement }: { readonly transaction: Hex; readonly replacement: Hex },
  ) {
    super('replaced', REPLACED[reason]);
    this.reason = reason;
    this.transaction = transaction;
    this.replacement = replacement;
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
  BadEndSignature: 'The device did not sign the end of this delegation. Read its binding and sign again.',
  Taken: 'The device belongs to another owner for good. Use another browser profile, or a new device key.',
  DeviceRevoked:
    'The device was revoked. Its owner must revoke all devices and bind it again to take it back.',
  DeviceRetired: 'Another device has taken the place of this one. Make a new device key and bind that.',
  NotNewer: 'A newer delegation of this device was posted already. Sign again.',
  TooManyDevices: 'The owner has as many devices in force as one may. Revoke one of them first.',
  TooManyEpochs: 'The owner has revoked all devices as often as one may. Revoke devices one by one.',
  NotYours: 'Only the owner of a device that is in force can revoke or replace it. Connect that wallet.',
  NotBound: 'The device has no owner that it could leave, or it has left already.',
  BadBatchSize: 'A batch holds 1 to 256 entries. Split it.',
  BadDeployment: 'The contracts of identities and of swarms must be deployed first.',
  BadLength: 'The text is empty or longer than 16,384 bytes. Shorten it.',
  BadStages: 'Every stage lasts a second to a day. Correct the schedule.',
  NoSwarm: 'There is no swarm of this number on this chain. Look for it in the list.',
  NotPosted: 'Nobody posted this root for this round.',
  BeforeGenesis: 'The rounds have not begun yet.',
  // Payments, Jobs, Crowdfund, Ownership, TrainingRecord
  NotAToken: 'There is no token at this address on this chain. Check the address.',
  WrongValue: 'The coin sent is not the amount due. Read the price again and repeat.',
  NotReceivedInFull: 'This token keeps a fee on transfers and is not taken. Use another token.',
  NotKeeper: 'This account does not keep that escrow.',
  TooLittle: 'There is less than that to draw. Read the credit again.',
  BadReceiver: 'Name another receiver: this address cannot be paid.',
  PaymentFailed: 'The receiver refused the coin. Name another receiver.',
  WrongState: 'It has moved on since you looked. Read where it stands now.',
  BadOrder:
    'The order needs terms, a price, a bond below 2^96, times of up to a year, and at most a million shares.',
  TooLate: 'The time for this is over.',
  TooEarly: 'The time for this has not come. Try again later.',
  OnlyBy: 'Another account has to do this. Connect it.',
  BadClaim:
    'The claim must be yours, under the job’s terms, made after you claimed the job, not lost, and not delivered before.',
  NotTheLastRoot: 'The root is not the last one of the claim. Deliver with the proof of the last step.',
  NotFailed: 'The worker still has time, and its claim is not lost.',
  BadDeadline: 'The deadline must lie ahead, at most a year. Check the clock.',
  NotThere: 'There is nothing of that number on this chain. Look for it in the list.',
  Dust: 'The pledge is too small: at least a thousandth of the goal, or what is missing.',
  Settled: 'The pledge was refunded or collected already.',
  NoGifts: 'Coin is only taken with a pledge.',
  Exists: 'The model exists already.',
  BadShares: 'The shares do not add up to a million.',
  NoModel: 'There is no such model on this chain.',
  NothingToCollect: 'Nothing has been earned since the last time.',
  TooMuch: 'That is more than the contract holds of any token. Name a smaller amount.',
  AlreadyOpen: 'The run is in the record already.',
  AlreadyCommitted: 'The claim was committed to already. Make the claim.',
  NoRun: 'The run is not in the record. Open it first.',
  NotStanding: 'The claim does not stand, or is about another run.',
  NotInClaim: 'The root is not this step’s in the claim.',
  NothingToCount: 'The claim is not decided yet, or was counted already.',
  ERC1155InsufficientBalance: 'There are fewer shares than that. Read the holding again.',
  ERC20InsufficientBalance: 'The account has too little of the token.',
  // Handoffs, HopShares
  BadTime: 'The time must lie ahead, at most a year, and not before the one the bond is locked until now.',
  BadAmount: 'Send some coin as the bond.',
  Locked: 'The bond is locked: its time is not over yet.',
  Forfeited: 'The device signed a false handoff of this run. Use another device key.',
  NoBond: 'There is no bond, or it has paid already.',
  NotSigned: 'The device did not sign this handoff. Get it again from the device.',
  NoContradiction: 'The two handoffs do not contradict each other.',
  OtherRun: 'The handoff is of another run.',
  OtherTensors: 'The tensors are not those that the handoff names. Take the roots that the device signed.',
  BadHop: 'The slots are not those of the hop. Take them from the program of the run.',
  NotRefuted: 'No claim that stands says something else of this hop. Claim the hop and wait for its window.',
  NotConvicted: 'The handoff was not convicted. Convict it first.',
  NotLost: 'The claim is not lost, or its game did not end at an output of this handoff.',
  NotInTrace: 'The tensors are not in the trace of the lost game.',
  AlreadyPaid: 'This was paid already.',
  BadPot: 'The pot needs hops, a time that lies ahead and at least a wei for each hop.',
  AlreadyRecorded: 'The claim’s handoffs were recorded already.',
  NotInRecord: 'The handoff is not in the record of the claim.',
  NothingLeft: 'Everything was collected or given back.',
  // Disputes, where accepting a job settles its claim
  BadTerms: 'The run has no steps, or more than can be repeated before its claim stands. Make it shorter.',
  WindowOpen: 'The claim can still be challenged. Wait until its window is over.',
  GamesLive: 'A dispute about the claim is still going on.',
  AlreadyDecided: 'The claim has been decided already.',
};

/** Name and arguments of the error that a contract call reverted with; undefined for any other failure. */
export function revertOf(
  error: unknown,
): { readonly name: string; readonly args: readonly unknown[] } | undefined {
  if (!(error instanceof BaseError)) return undefined;
  const reverted = error.walk((cause) => cause instanceof ContractFunctionRevertedError);
  if (!(reverted instanceof ContractFunctionRevertedError) || reverted.data === undefined) return undefined;
  return { name: reverted.data.errorName, args: reverted.data.args ?? [] };
}

/** Any failure of a call as a ChainError. A refusal becomes a ContractRevertError. */
export function toChainError(error: unknown): ChainError {
  if (error instanceof ChainError) return error;
  const revert = revertOf(error);
  if (revert !== undefined) {
    const { name: reason, args } = revert;
    const sentence =
      reason === 'Refused'
        ? rejectReasonOf(Number(args[0])).sentence
        : (SENTENCES[reason] ?? `The contract refused: ${reason}.`);
    return new ContractRevertError(sentence, { reason, args }, { cause: error });
  }
  if (error instanceof BaseError && error.walk((cause) => cause instanceof InsufficientFundsError) !== null) {
    const sentence = 'The account that pays for the transaction has too little coin. Send it some.';
    return new ChainError('no-funds', sentence, { cause: error });
  }
  const detail = error instanceof BaseError ? error.shortMessage : String(error);
  const sentence = `The chain’s node gave no usable answer (${detail}) Try again later.`;
  return new ChainError('unreachable', sentence, { cause: error });
}
