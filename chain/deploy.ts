import type { Abi, Address, Hex, PublicClient, WalletClient } from 'viem';
import type { Stage } from '../swarm/ledger.ts';
import { identityAbi, participationAbi } from './abi.generated.ts';
import { identityBytecode, participationBytecode } from './bytecode.generated.ts';
import { ChainError, toChainError } from './errors.ts';

export interface DeployOptions {
  readonly client: PublicClient;
  /** With the account that pays. Whoever deploys has no power afterwards. */
  readonly wallet: WalletClient;
  /** Length of each stage, 1 to 86,400 s. Default: 8, 5 and 7 s. */
  readonly seconds?: Readonly<Record<Stage, number>>;
}

export interface Deployment {
  readonly identity: Address;
  readonly participation: Address;
  /** Block of the last contract. */
  readonly block: bigint;
}

/**
 * Deploys Identity, then Participation, in that order, so that a fresh account gets the same two addresses every time. Round 0
 * begins with the block of the second. Throws ChainError.
 */
export async function deployContracts(options: DeployOptions): Promise<Deployment> {
  const { seconds = { answer: 8, critique: 5, vote: 7 } } = options;
  try {
    const identity = await deploy(options, identityAbi, identityBytecode, []);
    const participation = await deploy(options, participationAbi, participationBytecode, [
      identity.address,
      seconds.answer,
      seconds.critique,
      seconds.vote,
    ]);
    return { identity: identity.address, participation: participation.address, block: participation.block };
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
