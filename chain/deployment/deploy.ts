import { type Address, type Hex, keccak256, type PublicClient } from 'viem';
import { ChainError, toChainError } from '../errors.ts';
import type { TransactionQueue } from '../transaction-queue.ts';
import type { DeploymentPlan, PlannedContract } from './plan.ts';
import { PROXY, PROXY_CODE, PROXY_PRICE, PROXY_SIGNER, PROXY_TRANSACTION } from './proxy.ts';
import { isCodeOf } from './runtime-code.ts';

/** What is still to be done on a chain. */
export interface Remaining {
  /** Whether the deterministic deployment proxy is missing. */
  readonly proxy: boolean;
  /** Contracts that are not there yet, in order. */
  readonly contracts: readonly PlannedContract[];
  /** Gas of all of it, and wei for the proxy's account. */
  readonly gas: bigint;
  readonly wei: bigint;
}

/** The proxy's deployment is a transaction of 100,000 gas; paying its account takes 21,000. */
const PROXY_GAS = 121_000n;

/**
 * Looks which contracts of a plan stand on the chain already. Throws ChainError where other code stands at an
 * address of the plan, which CREATE2 makes impossible on a chain that computes as it says.
 */
export async function remainingOf(client: PublicClient, plan: DeploymentPlan): Promise<Remaining> {
  try {
    const proxy = await hasProxy(client);
    const contracts: PlannedContract[] = [];
    for (const contract of plan.contracts) if (!(await isThere(client, contract))) contracts.push(contract);
    const gas = contracts.reduce((sum, contract) => sum + BigInt(contract.gas), proxy ? 0n : PROXY_GAS);
    return { proxy: !proxy, contracts, gas, wei: proxy ? 0n : PROXY_PRICE };
  } catch (error) {
    throw toChainError(error);
  }
}

export type DeploymentStep =
  | { readonly kind: 'proxy' }
  | { readonly kind: 'contract'; readonly name: string; readonly address: Address; readonly gas: bigint };

export interface DeployOptions {
  /** Of the account that pays. It has no power over the contracts afterwards. */
  readonly queue: TransactionQueue;
  readonly plan: DeploymentPlan;
  /** Called when a contract stands and its code was compared. */
  readonly onStep?: (step: DeploymentStep) => void;
  readonly signal?: AbortSignal;
}

/**
 * Deploys what is missing of a plan, one contract after the other, and compares the code of each. Called
 * again after a failure it goes on with what is missing. Throws ChainError.
 */
export async function deployPlan(options: DeployOptions): Promise<void> {
  const { queue, plan, onStep, signal } = options;
  const send = signal === undefined ? {} : { signal };
  const { client } = queue;
  const remaining = await remainingOf(client, plan);
  if (remaining.proxy) {
    await deployProxy(queue, send);
    onStep?.({ kind: 'proxy' });
  }
  for (const contract of remaining.contracts) {
    signal?.throwIfAborted();
    const { name, address, data } = contract;
    const { gas } = await queue.transfer({ to: PROXY, value: 0n, data }, send).catch(async (error) => {
      // Somebody else may have deployed the same contract meanwhile, which is as good.
      if (await isThere(client, contract).catch(() => false)) return { gas: 0n };
      throw error;
    });
    if (!(await isThere(client, contract)))
      throw new ChainError('refused', `${name} is not at ${address} after its deployment. Try again.`);
    onStep?.({ kind: 'contract', name, address, gas });
  }
}

async function isThere(client: PublicClient, { name, address, runtime }: PlannedContract): Promise<boolean> {
  const found = await client.getCode({ address });
  if (found === undefined) return false;
  if (isCodeOf(found, runtime)) return true;
  const sentence = `Other code stands at ${address}, where ${name} belongs (Keccak-256 ${keccak256(found)}).`;
  throw new ChainError('wrong-network', `${sentence} Do not use this chain, or choose another salt.`);
}

async function hasProxy(client: PublicClient): Promise<boolean> {
  const found: Hex | undefined = await client.getCode({ address: PROXY });
  if (found === undefined) return false;
  if (found === PROXY_CODE) return true;
  throw new ChainError('wrong-network', `Other code stands at ${PROXY}, where the deployment proxy belongs.`);
}

/** Pays the account that nobody has the key of, and sends the transaction that it signed. */
async function deployProxy(queue: TransactionQueue, send: { readonly signal?: AbortSignal }): Promise<void> {
  const { client } = queue;
  const balance = await client.getBalance({ address: PROXY_SIGNER });
  if (balance < PROXY_PRICE) await queue.transfer({ to: PROXY_SIGNER, value: PROXY_PRICE - balance }, send);
  try {
    const hash = await client.sendRawTransaction({ serializedTransaction: PROXY_TRANSACTION });
    await client.waitForTransactionReceipt({ hash, timeout: 120_000 });
  } catch (error) {
    if (await hasProxy(client)) return;
    throw new ChainError(
      'refused',
      `The deployment proxy is missing at ${PROXY}, and the node refuses its transaction, which names no chain (EIP-155). Ask whoever runs the chain to add it, or use another node.`,
      { cause: error },
    );
  }
  if (!(await hasProxy(client))) throw new ChainError('refused', `${PROXY} has no code. Try again.`);
}
