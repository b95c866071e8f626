/** Bonds of devices and false handoffs, on the Handoffs contract: one function for each thing to do. */
import type { Address, PublicClient } from 'viem';
import type { Slot, Terms } from '../../protocol/evidence.ts';
import { type Handoff, type SlotRoot, slotRootsRoot } from '../../protocol/handoff.ts';
import type { Hex } from '../../protocol/hex.ts';
import type { HopShape } from '../../protocol/hop-program.ts';
import { longestDispute, type Settings } from '../disputes/port.ts';
import { programTree } from '../disputes/trees.ts';
import { ChainError, toChainError } from '../errors.ts';
import { handoffsAbi } from '../generated/abi.ts';
import { compactSignature } from '../signatures.ts';
import type { IncludedTransaction, TransactionQueue } from '../transaction-queue.ts';

/** Whose bond it is, about which run, and for whose claims. */
export interface BondKey {
  readonly device: Address;
  /** `handoffRun` of the run's terms. */
  readonly run: Hex;
  readonly claimant: Address;
}

export interface DeviceBond {
  /** Wei. */
  readonly amount: bigint;
  /** Unix seconds. The device can withdraw it later than that. */
  readonly until: number;
}

export interface HandoffsReadOptions {
  readonly client: PublicClient;
  /** The Handoffs contract. */
  readonly handoffs: Address;
}

export interface HandoffsCallOptions {
  /** Of the account that sends the transaction. */
  readonly queue: TransactionQueue;
  /** The Handoffs contract. */
  readonly handoffs: Address;
}

/**
 * Until when a bond has to be locked so that a claim made within `workSeconds` from now, and then a claim
 * about a hop, are decided before. Unix seconds.
 */
export function lockUntil(settings: Settings, now: number, workSeconds: number): number {
  return now + workSeconds + 2 * longestDispute(settings);
}

/** A device's bond; 0 wei where there is none. Throws ChainError. */
export async function readDeviceBond(options: HandoffsReadOptions & BondKey): Promise<DeviceBond> {
  const { device, run, claimant } = options;
  try {
    const { amount, until } = await options.client.readContract({
      ...at(options),
      functionName: 'bondOf',
      args: [device, run, claimant],
    });
    return { amount, until: Number(until) };
  } catch (error) {
    throw toChainError(error);
  }
}

/** Whether the device signed a false handoff of the run, so that its bonds stay. Throws ChainError. */
export async function isForfeited(
  options: HandoffsReadOptions & Pick<BondKey, 'device' | 'run'>,
): Promise<boolean> {
  const { device, run } = options;
  try {
    return await options.client.readContract({
      ...at(options),
      functionName: 'isForfeited',
      args: [device, run],
    });
  } catch (error) {
    throw toChainError(error);
  }
}

/** Whether the handoff with this digest was convicted. Throws ChainError. */
export async function isConvicted(
  options: HandoffsReadOptions & { readonly device: Address; readonly digest: Hex },
): Promise<boolean> {
  const { device, digest } = options;
  try {
    return await options.client.readContract({
      ...at(options),
      functionName: 'isConvicted',
      args: [device, digest],
    });
  } catch (error) {
    throw toChainError(error);
  }
}

/** What devices have paid for a lost claim, in wei. Throws ChainError. */
export async function readPaidFor(
  options: HandoffsReadOptions & { readonly claim: number },
): Promise<bigint> {
  try {
    const args = [BigInt(options.claim)] as const;
    return await options.client.readContract({ ...at(options), functionName: 'paidFor', args });
  } catch (error) {
    throw toChainError(error);
  }
}

export interface DepositOptions extends HandoffsCallOptions, Omit<BondKey, 'device'> {
  /** Unix seconds. `lockUntil` gives what a claimant asks for. */
  readonly until: number;
  /** Wei, added to the bond. */
  readonly amount: bigint;
}

/** Deposits the bond of the queue's account, which is the device. Throws ChainError. */
export function depositBond(options: DepositOptions): Promise<IncludedTransaction> {
  const { queue, run, claimant, until, amount } = options;
  const args = [run, claimant, BigInt(until)] as const;
  return queue.call({ ...at(options), functionName: 'deposit', args, value: amount });
}

/** Takes the bond of the queue's account back, as credit in Payments. Throws ChainError. */
export function withdrawBond(
  options: HandoffsCallOptions & Omit<BondKey, 'device'>,
): Promise<IncludedTransaction> {
  const { queue, run, claimant } = options;
  return queue.call({ ...at(options), functionName: 'withdraw', args: [run, claimant] });
}

/** Shows two handoffs of one hop from the same inputs with different outputs. Throws ChainError. */
export function contradict(
  options: HandoffsCallOptions & { readonly first: Handoff; readonly second: Handoff },
): Promise<IncludedTransaction> {
  const { queue, first, second } = options;
  const args = [
    first.device,
    ...[statementOf(first), signatureOf(first), statementOf(second), signatureOf(second)],
  ];
  return queue.call({ ...at(options), functionName: 'contradict', args });
}

/** A signed hop with what it takes to show it to the contract. */
export interface SignedHop {
  readonly handoff: Handoff;
  readonly shape: HopShape;
  /** The leaves of the handoff's `inputs`, in its order. */
  readonly inputs: readonly SlotRoot[];
}

export interface ConvictOptions extends HandoffsCallOptions {
  readonly signed: SignedHop;
  /** Of the handoff's run. */
  readonly terms: Terms;
  /** The program of the whole step. */
  readonly program: readonly Slot[];
  /** Number of the claim about the hop, which stands with another result. */
  readonly claim: number;
}

/** Convicts a handoff by a claim about its hop. Throws ChainError. */
export function convict(options: ConvictOptions): Promise<IncludedTransaction> {
  const { queue, signed, terms, claim } = options;
  const { handoff } = signed;
  const args = [
    ...[handoff.device, statementOf(handoff), signatureOf(handoff), terms],
    hopOf(signed, options.program),
    BigInt(claim),
  ];
  return queue.call({ ...at(options), functionName: 'convict', args });
}

/** The hop as the contract's `Hop`. */
export function hopOf({ handoff, shape, inputs }: SignedHop, program: readonly Slot[]) {
  const { first, count } = shape;
  const tree = programTree(program);
  const tables = shape.tables.map((slot) => ({
    slot,
    // What a fixed slot is called is its tensor's root.
    root: program[slot]?.name ?? '0x',
    proof: tree.proof(slot),
  }));
  return {
    inputs,
    tables,
    outputs: handoff.outputs.map(({ slot, root }) => ({ slot, root })),
    first,
    slots: program.slice(first, first + count),
    proofs: Array.from({ length: count }, (_, i) => tree.proof(first + i)),
  };
}

export interface BlameOptions extends HandoffsCallOptions {
  readonly signed: SignedHop;
  /** Of the lost claim. */
  readonly terms: Terms;
  readonly game: number;
  /** Which of the handoff's outputs the game ended at. */
  readonly output: number;
  /** The path of a slot in the claimant's trace of the step. */
  readonly proofOf: (slot: number) => readonly Hex[];
}

/** Makes the device's bond pay for a lost claim, to the claim's author. Throws ChainError. */
export function blame(options: BlameOptions): Promise<IncludedTransaction> {
  const { queue, signed, terms, game, output, proofOf } = options;
  const { handoff, inputs } = signed;
  const outputs = handoff.outputs.map(({ slot, root }) => ({ slot, root }));
  const ended = outputs[output];
  if (ended === undefined) throw new ChainError('invalid', `The handoff has no output ${output}.`);
  const loss = {
    game: BigInt(game),
    inputs,
    inputProofs: inputs.map(({ slot }) => proofOf(slot)),
    outputs,
    output: BigInt(output),
    proof: proofOf(ended.slot),
  };
  const args = [handoff.device, statementOf(handoff), terms, loss];
  return queue.call({ ...at(options), functionName: 'blame', args });
}

/** The handoff as the contract's `Handoff`: what the device signs. */
export function statementOf({ run, step, hop, version, inputs, outputs }: Handoff) {
  return { run, step: BigInt(step), hop, version, inputs, outputs: slotRootsRoot(outputs) };
}

/** The handoff's signature in two words. Throws ChainError for one that no contract takes. */
export function signatureOf({ signature }: Handoff) {
  const compact = compactSignature(signature);
  if (compact !== undefined) return compact;
  throw new ChainError('invalid', 'The handoff has no usable signature. Get it again from the device.');
}

function at({ handoffs }: { readonly handoffs: Address }) {
  return { address: handoffs, abi: handoffsAbi } as const;
}
