import {
  type Address,
  getContract,
  type Hex,
  type PublicClient,
  type TestClient,
  type WalletClient,
} from 'viem';
import { type DeviceKey, deviceKey } from '../../protocol/device-key.ts';
import type { Attestation, Signed, Vote } from '../../protocol/ledger.ts';
import type { RollupContracts } from '../../protocol/rollup.ts';
import { smallSpec } from '../../protocol/testing/sample-swarm-specs.ts';
import type { DisputeSettings } from '../deployment/dispute-settings.ts';
import { type Anvil, anvilControls, anvilWallet, startAnvil } from '../devnet/anvil.ts';
import { deployContracts } from '../devnet/deploy.ts';
import { identityAbi, swarmsAbi } from '../generated/abi.ts';
import { ChainLedger } from '../ledger.ts';
import { type ChainNetwork, connect } from '../network.ts';
import { openSwarm } from '../open-swarm.ts';
import { readSchedule, roundMs, type Schedule } from '../schedule.ts';
import { compactSignature } from '../signatures.ts';
import { readStandings } from '../standings.ts';
import { locationOf } from '../swarm-location.ts';
import { type TransactionQueue, TransactionQueues } from '../transaction-queue.ts';

/**
 * A chain for one test file: anvil with every contract, one open swarm with rounds of 8, 5 and 7 s, and a
 * block for each transaction.
 */
export interface LocalChain {
  readonly anvil: Anvil;
  readonly network: ChainNetwork & { readonly rollup: Required<RollupContracts> };
  readonly client: PublicClient;
  readonly controls: TestClient;
  /** Of swarm 0. */
  readonly schedule: Schedule;
  /** A wallet of the n-th funded account. Number 0 deployed the contracts. */
  wallet(n: number): WalletClient;
  /** A transaction queue of the n-th funded account. All of one account share their order. */
  queue(n: number): TransactionQueue;
  /** Device number n, and a ledger that signs for it. */
  device(n: number): { readonly signer: DeviceKey; readonly ledger: ChainLedger };
  /** Mines a block that falls into a round of swarm 0, or a later one if the chain is past it. */
  toRound(round: number): Promise<void>;
  stop(): Promise<void>;
}

export async function startLocalChain(
  options: { readonly blockTime?: number; readonly disputes?: DisputeSettings } = {},
): Promise<LocalChain> {
  const { disputes, ...node } = options;
  const anvil = await startAnvil(node);
  const client = connect(anvil, { pollingInterval: 50 });
  const controls = anvilControls(anvil);
  const deployment = await deployContracts({
    client,
    wallet: anvilWallet(anvil, 0),
    ...(disputes === undefined ? {} : { disputes }),
  });
  const { identity, swarms, participation, rollup } = deployment;
  const queues = new TransactionQueues();
  const queue = (n: number): TransactionQueue =>
    queues.open({ client, wallet: anvilWallet(anvil, n), pollMs: 20 });
  const spec = { ...smallSpec, startedBy: queue(0).address };
  await openSwarm({ queue: queue(0), swarms, spec });
  const network = {
    rpc: anvil.rpc,
    chainId: anvil.chainId,
    contracts: { identity, swarms, participation },
    swarm: 0,
    rollup,
  };
  const schedule = await readSchedule(client, swarms, 0);
  const location = locationOf(network);
  return {
    anvil,
    network,
    client,
    controls,
    schedule,
    wallet: (n) => anvilWallet(anvil, n),
    queue,
    device: (n) => {
      const signer = deviceKey(secretOf(n));
      const clock = {
        read: () => {
          throw new Error('These tests go by the chain.');
        },
      };
      return {
        signer,
        ledger: new ChainLedger({
          clock,
          device: signer,
          chainId: anvil.chainId,
          location,
          readStandings: (devices) => readStandings({ client, identity, location, devices }),
        }),
      };
    },
    async toRound(round) {
      const begins = BigInt(schedule.genesis + (round * roundMs(schedule)) / 1000);
      const { timestamp } = await client.getBlock();
      if (timestamp < begins) await controls.setNextBlockTimestamp({ timestamp: begins });
      await controls.mine({ blocks: 1 });
    },
    stop: () => anvil.stop(),
  };
}

/** The secret of test device number n. */
export function secretOf(n: number): Uint8Array {
  const secret = new Uint8Array(32).fill(0x5a);
  new DataView(secret.buffer).setUint32(28, n);
  return secret;
}

export function swarmsAt(network: ChainNetwork, client: PublicClient) {
  return getContract({ address: network.contracts.swarms, abi: swarmsAbi, client });
}

export function identityAt(network: ChainNetwork, client: PublicClient) {
  return getContract({ address: network.contracts.identity, abi: identityAbi, client });
}

/** A signed attestation as `attestBatch` takes it. */
export function attestationEntry({ value, device, signature }: Signed<Attestation>) {
  const { checkpointRoot, rolloutDigest } = value;
  return { device, checkpointRoot, rolloutDigest, ...compact(signature) };
}

/** A signed vote as `voteBatch` takes it. */
export function voteEntry({ value, device, signature }: Signed<Vote>) {
  return {
    device,
    round: BigInt(value.round),
    winners: value.winners as readonly Address[],
    ...compact(signature),
  };
}

function compact(signature: Hex) {
  const split = compactSignature(signature);
  if (split === undefined) throw new Error('The test signed badly.');
  return split;
}
