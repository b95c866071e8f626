import { type Abi, type Address, type Hex, type PublicClient, parseEther, type WalletClient } from 'viem';
import type { Stage } from '../swarm/ledger.ts';
import * as abis from './abi.generated.ts';
import * as code from './bytecode.generated.ts';
import { ChainError, toChainError } from './errors.ts';
import type { RollupContracts } from './rollup.ts';

/** How long a claim can be doubted, what time the players of a game have, and what they lay down (contracts/src/disputes). */
export interface DisputeSettings {
  /** Seconds after a claim in which a game can be opened. */
  readonly window: number;
  /** Seconds each player has for all of its moves. */
  readonly budget: number;
  /** Seconds a player has at least after the other's move. */
  readonly extension: number;
  /** Wei for each move that a game can have. */
  readonly moveBond: bigint;
}

/**
 * For a local network: a person can watch a window pass, and an auditor on the same machine still has time to repeat a small run. On a
 * rollup the budget has to exceed what the sequencer may be down, and the window what it takes to notice and repeat the training.
 */
export const LOCAL_DISPUTES: DisputeSettings = {
  window: 120,
  budget: 600,
  extension: 60,
  moveBond: parseEther('0.001'),
};

export interface DeployOptions {
  readonly client: PublicClient;
  /** With the account that pays. Whoever deploys has no power afterwards. */
  readonly wallet: WalletClient;
  /** Length of each stage, 1 to 86,400 s. Default: 8, 5 and 7 s. */
  readonly seconds?: Readonly<Record<Stage, number>>;
  /** Default: LOCAL_DISPUTES. */
  readonly disputes?: DisputeSettings;
}

export interface Deployment {
  readonly identity: Address;
  readonly participation: Address;
  readonly rollup: RollupContracts;
  /** Block of the last contract. */
  readonly block: bigint;
}

/**
 * Deploys Identity, then Participation, then the contracts of paid and disputed training, always in that order, so that a fresh account
 * gets the same addresses every time. Round 0 begins with the block of the second. Throws ChainError.
 */
export async function deployContracts(options: DeployOptions): Promise<Deployment> {
  const { seconds = { answer: 8, critique: 5, vote: 7 }, disputes: game = LOCAL_DISPUTES } = options;
  let block = 0n;
  const make = async (abi: Abi, bytecode: Hex, ...args: readonly unknown[]): Promise<Address> => {
    const made = await deploy(options, abi, bytecode, args);
    block = made.block;
    return made.address;
  };
  try {
    const identity = await make(abis.identityAbi, code.identityBytecode);
    const participation = await make(
      abis.participationAbi,
      code.participationBytecode,
      identity,
      seconds.answer,
      seconds.critique,
      seconds.vote,
    );
    const judge = await make(abis.judgeAbi, code.judgeBytecode);
    const disputes = await make(
      abis.disputesAbi,
      code.disputesBytecode,
      judge,
      game.window,
      game.budget,
      game.extension,
      game.moveBond,
    );
    const payments = await make(abis.paymentsAbi, code.paymentsBytecode);
    const ownership = await make(abis.ownershipAbi, code.ownershipBytecode, payments);
    const jobs = await make(abis.jobsAbi, code.jobsBytecode, payments, disputes, ownership);
    const crowdfund = await make(abis.crowdfundAbi, code.crowdfundBytecode, jobs);
    const trainingRecord = await make(abis.trainingRecordAbi, code.trainingRecordBytecode, disputes);
    const descriptions = await make(abis.descriptionsAbi, code.descriptionsBytecode);
    const rollup = { judge, disputes, payments, ownership, jobs, crowdfund, trainingRecord, descriptions };
    return { identity, participation, rollup, block };
  } catch (error) {
    throw toChainError(error);
  }
}

async function deploy(
  { client, wallet }: DeployOptions,
  abi: Abi,
  bytecode: Hex,
  args: readonly unknown[],
): Promise<{ readonly address: Address; readonly block: bigint }> {
  const { account, chain } = wallet;
  if (account === undefined) throw new ChainError('invalid', 'Give the wallet an account to deploy from.');
  const hash = await wallet.deployContract({ abi, bytecode, args, account, chain });
  const receipt = await client.waitForTransactionReceipt({ hash, timeout: 60_000 });
  if (receipt.status !== 'success' || !receipt.contractAddress) {
    throw new ChainError('refused', 'The deployment failed. Check the stage lengths and the gas limit.');
  }
  return { address: receipt.contractAddress, block: receipt.blockNumber };
}
