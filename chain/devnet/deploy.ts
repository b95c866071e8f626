import {
  type Abi,
  type Address,
  concat,
  type Hex,
  keccak256,
  type PublicClient,
  parseEther,
  type WalletClient,
} from 'viem';
import type { RollupContracts } from '../../protocol/rollup.ts';
import { ChainError, toChainError } from '../errors.ts';
import * as abis from '../generated/abi.ts';
import * as code from '../generated/bytecode.ts';

/** How long a claim can be challenged, the players' clocks, and their bonds (contracts/src/disputes). */
export interface DisputeSettings {
  /** Seconds after a claim to notice it. The time to repeat its run comes on top. */
  readonly window: number;
  /** Seconds in which anybody who checks a claim has to be able to repeat one step. */
  readonly stepSeconds: number;
  /** Seconds that each player has for all of its moves. The time to repeat the run comes on top. */
  readonly budget: number;
  /** The fewest seconds that a player has after the other's move. */
  readonly extension: number;
  /** Wei for each move that a game can have. */
  readonly moveBond: bigint;
}

/**
 * The settings of a local network: a person can watch a window pass, and an auditor on the same machine has
 * time to repeat a small run. On a rollup the budget has to exceed the longest outage of the sequencer, the
 * window the time that it takes to notice a claim, and the time of a step what the slowest checker takes for
 * the dearest step.
 */
const LOCAL_DISPUTES: DisputeSettings = {
  window: 120,
  stepSeconds: 1,
  budget: 600,
  extension: 60,
  moveBond: parseEther('0.001'),
};

export interface DeployOptions {
  readonly client: PublicClient;
  /** With the account that pays. It has no power over the contracts afterwards. */
  readonly wallet: WalletClient;
  /** Defaults to LOCAL_DISPUTES. */
  readonly disputes?: DisputeSettings;
}

export interface Deployment {
  readonly identity: Address;
  readonly swarms: Address;
  readonly participation: Address;
  readonly rollup: Required<RollupContracts>;
  /** Block of the last contract. */
  readonly block: bigint;
}

/** Keccak-256 of the code that `deployContracts` deploys: another version of a contract has another. */
export function contractsDigest(): Hex {
  return keccak256(concat(Object.values(code)));
}

/**
 * Deploys every contract, always in the same order, so that a fresh account gets the same addresses every
 * time. Contracts that do not need one another are sent without waiting in between (not through a
 * TransactionQueue): on a chain with slow blocks that saves most of the time. There is no swarm afterwards:
 * `openSwarm` of swarms.ts opens one. Throws ChainError.
 */
export async function deployContracts(options: DeployOptions): Promise<Deployment> {
  const { disputes: game = LOCAL_DISPUTES } = options;
  const make = (abi: Abi, bytecode: Hex, ...args: readonly unknown[]) => ({ abi, bytecode, args });
  const together = <const All extends readonly Contract[]>(...all: All) => deployTogether(options, all);
  try {
    const [identity, swarms] = await together(
      make(abis.identityAbi, code.identityBytecode),
      make(abis.swarmsAbi, code.swarmsBytecode),
    );
    const [participation, judge, payments, descriptions] = await together(
      make(abis.participationAbi, code.participationBytecode, identity.address, swarms.address),
      make(abis.judgeAbi, code.judgeBytecode),
      make(abis.paymentsAbi, code.paymentsBytecode),
      make(abis.descriptionsAbi, code.descriptionsBytecode),
    );
    const [disputes, ownership] = await together(
      make(
        abis.disputesAbi,
        code.disputesBytecode,
        judge.address,
        game.window,
        game.stepSeconds,
        game.budget,
        game.extension,
        game.moveBond,
      ),
      make(abis.ownershipAbi, code.ownershipBytecode, payments.address),
    );
    const [jobs, trainingRecord] = await together(
      make(abis.jobsAbi, code.jobsBytecode, payments.address, disputes.address, ownership.address),
      make(abis.trainingRecordAbi, code.trainingRecordBytecode, disputes.address),
    );
    const [crowdfund, handoffs] = await together(
      make(abis.crowdfundAbi, code.crowdfundBytecode, jobs.address),
      make(abis.handoffsAbi, code.handoffsBytecode, payments.address, disputes.address),
    );
    const [hopShares] = await together(make(abis.hopSharesAbi, code.hopSharesBytecode, handoffs.address));
    return {
      identity: identity.address,
      swarms: swarms.address,
      participation: participation.address,
      rollup: {
        judge: judge.address,
        disputes: disputes.address,
        payments: payments.address,
        ownership: ownership.address,
        jobs: jobs.address,
        crowdfund: crowdfund.address,
        trainingRecord: trainingRecord.address,
        descriptions: descriptions.address,
        handoffs: handoffs.address,
        hopShares: hopShares.address,
      },
      block: hopShares.block,
    };
  } catch (error) {
    throw toChainError(error);
  }
}

interface Contract {
  readonly abi: Abi;
  readonly bytecode: Hex;
  readonly args: readonly unknown[];
}

interface Made {
  readonly address: Address;
  readonly block: bigint;
}

/** Sends the deployments one after the other, then waits for all of them. One result for each contract. */
async function deployTogether<const All extends readonly Contract[]>(
  { client, wallet }: DeployOptions,
  contracts: All,
): Promise<{ [K in keyof All]: Made }> {
  const { account, chain } = wallet;
  if (account === undefined) throw new ChainError('invalid', 'Give the wallet an account to deploy from.');
  const sent: Hex[] = [];
  for (const { abi, bytecode, args } of contracts) {
    sent.push(await wallet.deployContract({ abi, bytecode, args, account, chain }));
  }
  const made = await Promise.all(
    sent.map(async (hash) => {
      const receipt = await client.waitForTransactionReceipt({ hash, timeout: 60_000 });
      if (receipt.status !== 'success' || !receipt.contractAddress) {
        throw new ChainError('refused', 'The deployment failed. Check the stage lengths and the gas limit.');
      }
      return { address: receipt.contractAddress, block: receipt.blockNumber };
    }),
  );
  return made as { [K in keyof All]: Made };
}
