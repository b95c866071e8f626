import { type Address, encodeAbiParameters, type Hex, keccak256, type PublicClient } from 'viem';
import type { Terms } from '../../protocol/evidence.ts';
import { ContractRevertError, toChainError } from '../errors.ts';
import { trainingRecordAbi } from '../generated/abi.ts';
import type { TransactionQueue } from '../transaction-queue.ts';
import { openRun, readCheckpoint, recordCheckpoint } from './training-record.ts';

export interface ClaimRecorderOptions {
  /** Of the account whose claims are recorded. */
  readonly queue: TransactionQueue;
  readonly trainingRecord: Address;
}

/** The commitment to a claim, as `commitmentTo` of the contract computes it. */
export function commitmentTo(claimant: Address, run: Hex, claimRoot: Hex): Hex {
  const types = [{ type: 'address' }, { type: 'bytes32' }, { type: 'bytes32' }] as const;
  return keccak256(encodeAbiParameters(types, [claimant, run, claimRoot]));
}

/**
 * Puts an account's own claims into the training record, so that nobody who copied one is named in its place:
 * commits before the claim is made, and records the last checkpoint once the claim stands.
 */
export class TrainingClaimRecorder {
  readonly #options: ClaimRecorderOptions;

  constructor(options: ClaimRecorderOptions) {
    this.#options = options;
  }

  /** Commits to a claim that is not made yet. Does nothing if that was done before. Throws ChainError. */
  async commit(run: Hex, claimRoot: Hex): Promise<void> {
    const { queue, trainingRecord } = this.#options;
    const args = [commitmentTo(queue.address, run, claimRoot)] as const;
    const contract = { address: trainingRecord, abi: trainingRecordAbi } as const;
    if (await read(queue.client.readContract({ ...contract, functionName: 'isCommitted', args }))) return;
    await queue.call({ ...contract, functionName: 'commit', args }).catch(unlessRefused('AlreadyCommitted'));
  }

  /** Whether the record does not name this claim, which stands, and no earlier one. Throws ChainError. */
  async isDue({ claim, terms }: { readonly claim: number; readonly terms: Hex }): Promise<boolean> {
    const { queue, trainingRecord } = this.#options;
    const { steps } = await read(
      queue.client.readContract({
        address: trainingRecord,
        abi: trainingRecordAbi,
        functionName: 'runOf',
        args: [terms],
      }),
    );
    if (steps === 0) return true;
    const kept = await readCheckpoint(queue.client, trainingRecord, terms, steps - 1);
    if (kept === undefined) return true;
    if (kept.claim === BigInt(claim)) return false;
    const [own, other] = await Promise.all([this.#rankOf(BigInt(claim)), this.#rankOf(kept.claim)]);
    return own < other;
  }

  /** Records the last checkpoint of a claim that stands, and opens its run before. Throws ChainError. */
  async record(
    { claim, terms: run }: { readonly claim: number; readonly terms: Hex },
    { terms, root, proof }: { readonly terms: Terms; readonly root: Hex; readonly proof: readonly Hex[] },
  ): Promise<void> {
    const options = this.#options;
    if (!(await isOpen(options.queue.client, options.trainingRecord, run))) {
      await openRun({ ...options, terms }).catch(unlessRefused('AlreadyOpen'));
    }
    await recordCheckpoint({ ...options, run, claim: BigInt(claim), step: terms.steps - 1, root, proof });
  }

  #rankOf(claim: bigint): Promise<bigint> {
    const { queue, trainingRecord: address } = this.#options;
    const contract = { address, abi: trainingRecordAbi, functionName: 'rankOf' } as const;
    return read(queue.client.readContract({ ...contract, args: [claim] }));
  }
}

async function isOpen(client: PublicClient, address: Address, run: Hex): Promise<boolean> {
  const contract = { address, abi: trainingRecordAbi, functionName: 'runOf' } as const;
  return (await read(client.readContract({ ...contract, args: [run] }))).openedAt !== 0;
}

/** Somebody else may have done the same in between. */
function unlessRefused(reason: string): (error: unknown) => void {
  return (error) => {
    if (!(error instanceof ContractRevertError) || error.reason !== reason) throw error;
  };
}

async function read<T>(asked: Promise<T>): Promise<T> {
  try {
    return await asked;
  } catch (error) {
    throw toChainError(error);
  }
}
