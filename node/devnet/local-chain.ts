import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Hex, pad, type WalletClient } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { type Anvil, anvilControls, anvilWallet, startAnvil } from '../../chain/devnet/anvil.ts';
import { deployContracts } from '../../chain/devnet/deploy.ts';
import { connect } from '../../chain/network.ts';
import { TransactionQueue } from '../../chain/transaction-queue.ts';
import { toHex } from '../../protocol/hex.ts';
import type { RollupContracts } from '../../protocol/rollup.ts';
import { readIfThere, writeWhole } from '../home/files.ts';
import { secretFile } from '../home/key-file.ts';
import { type DefaultSpec, openDefaultSwarm } from './default-swarm.ts';

export interface LocalChain {
  readonly anvil: Anvil;
  readonly contracts: { readonly identity: Hex; readonly swarms: Hex; readonly participation: Hex };
  readonly rollup: RollupContracts;
  /** Number of the swarm with the given specification. */
  readonly swarm: number;
  /** Whether the swarm of an earlier start goes on: rounds and records continue. */
  readonly resumed: boolean;
}

export interface LocalChainOptions {
  /** Folder that keeps the chain between starts. */
  readonly folder: string;
  /** The swarm to open, unless an earlier start opened it. */
  readonly spec: DefaultSpec;
  readonly signal: AbortSignal;
}

/**
 * A development chain with a block a second, the contracts deployed, and one open swarm. It is kept between
 * starts of one version of the contracts, because rounds count from the opening of the swarm and a device
 * never trains an old round. With another specification it goes on with another swarm. The deployer's key is
 * random for each folder, and the contracts' addresses follow
 * from its account, so that another folder's contracts, and with them its run, have another name.
 *
 * The node listens on any free port and takes every command. Its address is for processes of this machine;
 * `node-rpc` in the folder, which only its owner may read, names it.
 */
export async function startLocalChain(options: LocalChainOptions): Promise<LocalChain> {
  const { folder, spec, signal } = options;
  const state = join(folder, 'anvil.json');
  const start = () => startAnvil({ blockTime: 1, state, signal });
  const address = join(folder, 'node-rpc');
  await rm(address, { force: true });
  let anvil: Anvil;
  try {
    anvil = await start();
  } catch (error) {
    signal.throwIfAborted();
    // A state cut short by a crash; without it the chain can start, with it never again.
    if ((await readIfThere(state)) === undefined) throw error;
    await rm(state);
    anvil = await start();
  }
  try {
    await writeWhole(address, anvil.rpc, 0o600);
    const client = connect(anvil, { signal });
    const wallet = await fundedWallet(anvil, join(folder, 'deployer.key'));
    const queue = new TransactionQueue({ client, wallet });
    // Contracts of an earlier start stand at the same addresses, unless their code has changed.
    const { identity, swarms, participation, rollup } = await deployContracts({
      ...{ client, wallet },
      salt: pad(queue.address, { size: 32 }),
    });
    const { id, resumed } = await openDefaultSwarm({ queue, swarms, spec });
    return { anvil, contracts: { identity, swarms, participation }, rollup, swarm: id, resumed };
  } catch (error) {
    await anvil.stop();
    throw error;
  }
}

/**
 * A wallet of an account of its own, whose key is kept in a file and which the development chain gives 1,000
 * coins.
 */
export async function fundedWallet(
  anvil: Pick<Anvil, 'rpc' | 'chainId'>,
  keyFile: string,
): Promise<WalletClient> {
  const key = toHex(await secretFile(keyFile));
  const { address } = privateKeyToAccount(key);
  await anvilControls(anvil).setBalance({ address, value: 10n ** 21n });
  return anvilWallet(anvil, key);
}
