import type { Hex, PublicClient, WalletClient } from 'viem';
import { remainingOf } from '../deployment/deploy.ts';
import { type DisputeSettings, LOCAL_DISPUTES } from '../deployment/dispute-settings.ts';
import { type DeployedAddresses, planDeployment } from '../deployment/plan.ts';
import { PROXY } from '../deployment/proxy.ts';
import { ChainError, toChainError } from '../errors.ts';

export interface DeployOptions {
  readonly client: PublicClient;
  /** With the account that pays. It has no power over the contracts afterwards. */
  readonly wallet: WalletClient;
  /** Defaults to LOCAL_DISPUTES. */
  readonly disputes?: DisputeSettings;
  /** As in `planDeployment`. */
  readonly salt?: Hex;
}

export interface Deployment extends DeployedAddresses {
  /** Block of the last contract. */
  readonly block: bigint;
}

/**
 * Deploys every contract that is not there yet to a development node, to the addresses of `planDeployment`.
 * As many transactions as a block holds are sent without waiting in between (not through a TransactionQueue):
 * on a chain with slow blocks that saves most of the time. There is no swarm afterwards: `openSwarm` of
 * open-swarm.ts opens one. Throws ChainError.
 */
export async function deployContracts(options: DeployOptions): Promise<Deployment> {
  const { client, wallet, disputes = LOCAL_DISPUTES, salt } = options;
  const { account, chain } = wallet;
  if (account === undefined) throw new ChainError('invalid', 'Give the wallet an account to deploy from.');
  const plan = planDeployment({ disputes, ...(salt === undefined ? {} : { salt }) });
  try {
    const { contracts, proxy } = await remainingOf(client, plan);
    if (proxy) throw new ChainError('invalid', `The node has no deployment proxy at ${PROXY}. Use anvil.`);
    const { gasLimit } = await client.getBlock({ blockTag: 'latest' });
    let block = 0n;
    let nonce = await client.getTransactionCount({ address: account.address });
    let sent: Hex[] = [];
    let together = 0n;
    const seen = async (): Promise<void> => {
      for (const hash of sent) {
        const receipt = await client.waitForTransactionReceipt({ hash, timeout: 60_000 });
        if (receipt.status !== 'success')
          throw new ChainError('refused', 'The deployment failed. Check the node’s gas limit.');
        if (receipt.blockNumber > block) block = receipt.blockNumber;
      }
      sent = [];
      together = 0n;
    };
    for (const { data, gas } of contracts) {
      const limit = (BigInt(gas) * 11n) / 10n;
      // No more than one block holds: anvil leaves out a transaction that does not fit, and then drops those
      // that come after it, because their nonces are too high.
      if (together + limit > gasLimit) await seen();
      sent.push(
        await wallet.sendTransaction({ account, chain, to: PROXY, data, gas: limit, nonce: nonce++ }),
      );
      together += limit;
    }
    await seen();
    return { ...plan.addresses, block };
  } catch (error) {
    throw toChainError(error);
  }
}
