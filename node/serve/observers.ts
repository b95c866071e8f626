import { join } from 'node:path';
import { Poller } from '../../chain/poller.ts';
import { countSwarms } from '../../chain/swarms.ts';
import type { TransactionQueue } from '../../chain/transaction-queue.ts';
import { messageOf } from '../../protocol/message-of.ts';
import type { Network } from '../../protocol/network-file.ts';
import { type Observer, type ObserverOptions, startObserver } from './observer.ts';

/** How often the chain is asked for swarms that were opened, in ms. */
const LOOK_MS = 3000;

export interface ObserversOptions
  extends Pick<ObserverOptions, 'budget' | 'diskBytes' | 'onEvent' | 'say' | 'signal'> {
  readonly network: Network;
  /** Folder with their keys and archives. */
  readonly home: string;
  readonly queue: TransactionQueue;
  /** How many swarms are observed at most: the network's own, and those that are opened after it. */
  readonly swarms: number;
}

export interface Observers {
  /** By the number of the swarm. */
  all(): ReadonlyMap<number, Observer>;
  stop(): Promise<void>;
}

/** An observer of the network's swarm, and of each of those that somebody opens later. */
export async function startObservers(options: ObserversOptions): Promise<Observers> {
  const { network, home, queue, swarms, say, signal, ...each } = options;
  const observers = new Map<number, Observer>();
  const observe = async (id: number): Promise<void> => {
    const own = id === network.swarm;
    const observer = await startObserver({
      ...each,
      network: { ...network, swarm: id },
      keyFile: join(home, own ? 'observer.key' : `observer-${id}.key`),
      archive: own ? join(home, 'archive') : join(home, 'archives', String(id)),
      dayFile: join(home, `gas-of-the-day-${id}.json`),
      ...{ queue, say, signal },
    });
    observers.set(id, observer);
  };
  await observe(network.swarm);
  let next = network.swarm + 1;
  const watcher = new Poller({
    pass: async () => {
      const there = await countSwarms(queue.client, network.contracts.swarms);
      const end = Math.min(there, network.swarm + swarms);
      while (next < end) {
        const id = next++;
        await observe(id);
        say(`Swarm ${id} was opened: its rounds are archived and posted too.`);
      }
    },
    onError: (error) => say(`A swarm is not observed: ${messageOf(error)}`),
    intervalMs: LOOK_MS,
  });
  if (swarms > 1) watcher.start();
  return {
    all: () => observers,
    async stop() {
      await watcher.stop();
      for (const observer of [...observers.values()].reverse()) await observer.stop();
    },
  };
}
