import { signConsent } from '../../chain/binding.ts';
import { DeviceChain } from '../../chain/device-chain.ts';
import { type KeyFunds, KeyFundsReader, sweepKey } from '../../chain/key-funds.ts';
import { connect } from '../../chain/network.ts';
import { countSwarms, readSwarm, specOf } from '../../chain/swarms.ts';
import type { DeviceKey } from '../../protocol/device-key.ts';
import { deviceKey } from '../../protocol/device-key.ts';
import type { Hex } from '../../protocol/hex.ts';
import type { Network } from '../../protocol/network-file.ts';
import {
  type ChainAccess,
  type ConsentOptions,
  MissingSwarmError,
  type VolunteerDependencies,
} from './dependencies.ts';

/**
 * Opens this device's view of the chain. In a file of its own, so that viem loads late. Throws ChainError,
 * `invalid` for a swarm whose specification cannot be used.
 */
export async function openChain(network: Network, key: DeviceKey): Promise<ChainAccess> {
  const chain = await DeviceChain.open({ network, secret: key.secret }).catch(async (error: unknown) => {
    const opened = await countSwarms(connect(network), network.contracts.swarms).catch(() => undefined);
    if (opened === undefined || network.swarm < opened) throw error;
    throw new MissingSwarmError(
      `The chain of this network has no swarm ${network.swarm}. Choose another one under Swarms.`,
    );
  });
  try {
    const record = await readSwarm(chain.client, network.contracts.swarms, network.swarm);
    const spec = specOf(record);
    return {
      ledger: chain.ledger,
      spec,
      cid: record.cid,
      stageLength: (stage) => chain.stageLength(stage),
      owner: () => chain.owner(),
      watchInclusions: (fromRound, listener) => chain.watchInclusions(fromRound, listener),
      watchReach: (listener) => chain.watchReach(listener),
      watchReplaced: (listener) => chain.watchReplaced(listener),
      stop: () => chain.stop(),
    };
  } catch (error) {
    await chain.stop();
    throw error;
  }
}

/** One for each network that this tab saw, since a reader remembers what it looked for. */
const readers = new Map<string, KeyFundsReader>();

/** What an account has on the chain. Throws ChainError. */
export function keyFunds({
  network,
  address,
}: Parameters<VolunteerDependencies['keyFunds']>[0]): Promise<KeyFunds> {
  const name = `${network.chainId} ${network.contracts.identity} ${network.rpc}`;
  const reader =
    readers.get(name) ?? new KeyFundsReader({ client: connect(network), rollup: network.rollup });
  readers.set(name, reader);
  return reader.read(address);
}

/** Sends an account's coin away. Throws ChainError. */
export function sweep(options: Parameters<VolunteerDependencies['sweepKey']>[0]): Promise<bigint> {
  return sweepKey(options);
}

/** Signs the device's consent to an owner (EIP-712 `SessionConsent`). Sends nothing to the node. */
export async function consent({ network, key, terms }: ConsentOptions): Promise<Hex> {
  return signConsent(deviceKey(key.secret), network.chainId, network.contracts.identity, {
    ...terms,
    validUntil: BigInt(terms.validUntil),
  });
}
