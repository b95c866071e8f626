import { type Hex, hashTypedData, type PublicClient, zeroAddress } from 'viem';
import { identityAbi, participationAbi } from '../../chain/abi.generated.ts';
import { ChainClock } from '../../chain/clock.ts';
import { deviceSigner } from '../../chain/device-key.ts';
import { ChainLedger } from '../../chain/ledger.ts';
import { connect } from '../../chain/network.ts';
import { readSchedule } from '../../chain/schedule.ts';
import { CONSENT_TYPES, domainOf } from '../../chain/typed-data.ts';
import type { DeviceKey } from '../../swarm/device-key.ts';
import { systemScheduler, wait } from '../../swarm/scheduler.ts';
import type { Network } from './network.ts';
import type { ChainAccess, ChainInclusion } from './parts.ts';

/** Milliseconds between two looks for this device's attestations in blocks. */
const LOOK = 2_000;

/**
 * Connects this device to the network's chain: the round clock, signatures, the owner, and where its attestations
 * stand. Throws ChainError when the node is out of reach or the contracts are not there. In a chunk of its own.
 */
export async function openChain(network: Network, key: DeviceKey): Promise<ChainAccess> {
  const { chainId, contracts } = network;
  const abort = new AbortController();
  const client = connect(network, { signal: abort.signal });
  const device = deviceSigner(key.secret);
  const schedule = await readSchedule(client, contracts.participation);
  const clock = await ChainClock.start({
    schedule,
    latestBlock: () => client.getBlock({ blockTag: 'latest' }),
    now: () => performance.now(),
    sleep: (ms, signal) => wait(systemScheduler, ms, signal).catch(() => undefined),
  });
  return {
    ledger: new ChainLedger({ clock, device, chainId, participation: contracts.participation }),
    stageLength: (stage) => schedule.seconds[stage] * 1000,
    async owner() {
      const owner = await client.readContract({
        address: contracts.identity,
        abi: identityAbi,
        functionName: 'ownerOf',
        args: [device.address],
      });
      return owner === zeroAddress ? null : owner;
    },
    consent: async (owner, epoch) =>
      device.sign(
        hashTypedData({
          domain: domainOf(chainId, contracts.identity),
          types: CONSENT_TYPES,
          primaryType: 'SessionConsent',
          message: { owner, epoch },
        }),
      ),
    watchInclusions(fromRound, listener) {
      const stop = new AbortController();
      const follow = async () => {
        let fromBlock = 0n;
        while (!stop.signal.aborted) {
          try {
            const head = await client.getBlockNumber();
            const found = await inclusions(client, network, device.address, fromBlock, head);
            for (const inclusion of found) if (inclusion.round >= fromRound) listener(inclusion);
            fromBlock = head + 1n;
          } catch {
            // The node is out of reach; the same blocks are asked for again.
          }
          await wait(systemScheduler, LOOK, stop.signal).catch(() => undefined);
        }
      };
      void follow();
      return () => stop.abort();
    },
    watchReach: (listener) => clock.watchReach(listener),
    async stop() {
      abort.abort();
      await clock.stop();
    },
  };
}

/** This device's attestations in a range of blocks, each with its share of its transaction's gas. */
async function inclusions(
  client: PublicClient,
  network: Network,
  device: Hex,
  fromBlock: bigint,
  toBlock: bigint,
): Promise<readonly ChainInclusion[]> {
  if (fromBlock > toBlock) return [];
  const contract = { address: network.contracts.participation, abi: participationAbi } as const;
  const logs = await client.getContractEvents({
    ...contract,
    eventName: 'Attested',
    args: { device },
    fromBlock,
    toBlock,
  });
  return Promise.all(
    logs.map(async (log) => {
      const receipt = await client.getTransactionReceipt({ hash: log.transactionHash });
      const entries = receipt.logs.filter((other) => other.topics[0] === log.topics[0]).length;
      return {
        round: Number(log.args.round ?? 0n),
        block: Number(log.blockNumber),
        gas: Math.round(Number(receipt.gasUsed) / Math.max(1, entries)),
        transaction: log.transactionHash,
      };
    }),
  );
}
