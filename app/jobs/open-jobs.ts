import { createWalletClient } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { OnchainDisputes } from '../../chain/disputes/onchain/port.ts';
import { chainOf, connect, transportOf } from '../../chain/network.ts';
import { sleep } from '../../chain/sleep.ts';
import { TransactionQueue } from '../../chain/transaction-queue.ts';
import type { DeviceKey } from '../../protocol/device-key.ts';
import type { Network } from '../../protocol/network-file.ts';
import { connectRuns } from '../../workers/run-client.ts';
import { Desk } from './jobs-controller.ts';
import { deskMemory } from './jobs-memory.ts';

export interface OpenDeskOptions {
  /** Where the page lies; the model is beside it. */
  readonly base: string;
  readonly network: Network;
  readonly key: DeviceKey;
}

/** The page wants a core for itself, and the run of a small model gains nothing beyond this. */
const MOST_THREADS = 4;

/** The desk of this tab on a real network and a real worker, started. A file of its own, so that it loads when it is needed. */
export function openDesk({ base, network, key }: OpenDeskOptions): Desk {
  const { rollup: contracts } = network;
  if (contracts === undefined) {
    throw new Error('This network has no contracts for paid training. Whoever runs it has to deploy them.');
  }
  const client = connect(network);
  const hex = Array.from(key.secret, (byte) => byte.toString(16).padStart(2, '0')).join('');
  const device = createWalletClient({
    account: privateKeyToAccount(`0x${hex}`),
    chain: chainOf(network),
    transport: transportOf(network),
  });
  const queue = new TransactionQueue({ client, wallet: device });
  const desk = new Desk({
    client,
    queue,
    contracts,
    disputes: new OnchainDisputes({ queue, address: contracts.disputes }),
    openRuns: (listener) =>
      connectRuns(
        new Worker(new URL('../../workers/run.worker.ts', import.meta.url), {
          type: 'module',
          name: 'runs',
        }),
        listener,
      ),
    model: new URL('models/nano/', base).href,
    threads: Math.max(1, Math.min(MOST_THREADS, navigator.hardwareConcurrency - 1)),
    sleep,
    memory: deskMemory(),
    randomBytes: (count) => crypto.getRandomValues(new Uint8Array(count)),
  });
  desk.start();
  return desk;
}
