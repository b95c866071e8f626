import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Hex, isAddress, type WalletClient } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { type Anvil, anvilControls, anvilWallet, startAnvil } from '../../chain/devnet/anvil.ts';
import { contractsDigest, deployContracts } from '../../chain/devnet/deploy.ts';
import { connect } from '../../chain/network.ts';
import { TransactionQueue } from '../../chain/transaction-queue.ts';
import { toHex } from '../../protocol/hex.ts';
import { parseRollup, type RollupContracts } from '../../protocol/rollup.ts';
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
 * random for each folder, so that another folder's contracts, and with them its run, have another name.
 *
 * The node listens on any free port and takes every command. Its address is for processes of this machine;
 * `node-rpc` in the folder, which only its owner may read, names it.
 */
export async function startLocalChain(options: LocalChainOptions): Promise<LocalChain> {
  const { folder, spec, signal } = options;
  const state = join(folder, 'anvil.json');
  const deployed = join(folder, 'contracts.json');
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
    const open = async ({ contracts, rollup }: Contracts): Promise<LocalChain> => {
      const { id, resumed } = await openDefaultSwarm({ queue, swarms: contracts.swarms, spec });
      return { anvil, contracts, rollup, swarm: id, resumed };
    };
    const known = await knownContracts(deployed);
    // Without the chain's state the contracts of an earlier start are not there.
    const code = known && (await client.getCode({ address: known.contracts.swarms }));
    if (known !== undefined && code !== undefined) return await open(known);
    const made = await deployContracts({ client, wallet });
    const contracts = {
      identity: made.identity.toLowerCase() as Hex,
      swarms: made.swarms.toLowerCase() as Hex,
      participation: made.participation.toLowerCase() as Hex,
    };
    const { rollup } = made;
    await writeWhole(
      deployed,
      `${JSON.stringify({ ...contracts, rollup, code: contractsDigest() }, null, 2)}\n`,
    );
    return await open({ contracts, rollup });
  } catch (error) {
    await anvil.stop();
    throw error;
  }
}

type Contracts = Pick<LocalChain, 'contracts' | 'rollup'>;

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

/**
 * What an earlier start deployed; undefined when there was none, or one of a version with other contracts.
 */
async function knownContracts(path: string): Promise<Contracts | undefined> {
  const bytes = await readIfThere(path);
  if (bytes === undefined) return undefined;
  try {
    const { rollup: entry, code, ...named } = JSON.parse(new TextDecoder().decode(bytes));
    const { identity, swarms, participation } = named;
    const rollup = parseRollup(entry, (field) => new Error(field));
    if (code !== contractsDigest() || rollup === undefined) return undefined;
    if (!isAddress(identity) || !isAddress(swarms) || !isAddress(participation)) return undefined;
    return { contracts: { identity, swarms, participation }, rollup };
  } catch {
    return undefined;
  }
}
