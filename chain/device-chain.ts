import type { Hex, PublicClient } from 'viem';
import { type DeviceKey, deviceKey } from '../protocol/device-key.ts';
import type { Ledger, Stage } from '../protocol/ledger.ts';
import { type AttestationOnChain, firstBlockSince, watchAttestations } from './attestations.ts';
import { type ConsentTerms, readBinding, signConsent } from './binding.ts';
import { ChainClock } from './clock.ts';
import { ChainError, toChainError } from './errors.ts';
import { ChainLedger } from './ledger.ts';
import { type ChainNetwork, connect } from './network.ts';
import { readSchedule, roundMs, type Schedule } from './schedule.ts';
import { sleep } from './sleep.ts';
import { readStandings } from './standings.ts';
import { locationOf } from './swarm-location.ts';

export interface OpenDeviceChainOptions {
  readonly network: ChainNetwork;
  /** The device key's 32 bytes. */
  readonly secret: Uint8Array;
  readonly fetch?: typeof fetch;
  readonly signal?: AbortSignal;
}

/**
 * One device's whole view of the chain and of the network's swarm on it: its clock, its ledger, its owner and
 * its attestations.
 */
export class DeviceChain {
  readonly ledger: Ledger;
  readonly clock: ChainClock;
  readonly schedule: Schedule;
  readonly client: PublicClient;
  readonly device: DeviceKey;
  readonly #network: ChainNetwork;
  readonly #abort: AbortController;

  private constructor(
    options: OpenDeviceChainOptions,
    abort: AbortController,
    client: PublicClient,
    schedule: Schedule,
    clock: ChainClock,
  ) {
    const { network, secret } = options;
    this.#network = network;
    this.#abort = abort;
    this.client = client;
    this.schedule = schedule;
    this.clock = clock;
    this.device = deviceKey(secret);
    this.ledger = new ChainLedger({
      clock,
      device: this.device,
      chainId: network.chainId,
      location: locationOf(network),
      readStandings: (devices) =>
        readStandings({
          ...{ client, identity: network.contracts.identity, location: locationOf(network), devices },
        }),
    });
  }

  /** Reads the schedule and the time, then follows the chain until `stop`. Throws ChainError. */
  static async open(options: OpenDeviceChainOptions): Promise<DeviceChain> {
    const { network, fetch: fetcher, signal } = options;
    const abort = new AbortController();
    // The caller's signal ends the opening only. Afterwards `stop` ends everything.
    const giveUp = (): void => abort.abort(signal?.reason);
    if (signal?.aborted === true) giveUp();
    signal?.addEventListener('abort', giveUp);
    try {
      const client = connect(network, {
        signal: abort.signal,
        ...(fetcher === undefined ? {} : { fetch: fetcher }),
      });
      const schedule = await readSchedule(client, network.contracts.swarms, network.swarm);
      const clock = await ChainClock.start({
        schedule,
        latestBlock: () => client.getBlock({ blockTag: 'latest' }),
        confirm: async () => {
          const now = await readSchedule(client, network.contracts.swarms, network.swarm);
          if (now.genesis !== schedule.genesis || now.genesisSeed !== schedule.genesisSeed) {
            throw new ChainError(
              'wrong-network',
              'Another network stands behind the chain’s address. Read the network file again and start anew.',
            );
          }
        },
        now: () => performance.now(),
        sleep,
      });
      return new DeviceChain(options, abort, client, schedule, clock);
    } catch (error) {
      abort.abort();
      throw toChainError(error);
    } finally {
      signal?.removeEventListener('abort', giveUp);
    }
  }

  /** The owner that the device acts for now, lower case; null if there is none. Throws ChainError. */
  async owner(): Promise<Hex | null> {
    const binding = await readBinding(this.client, this.#network.contracts.identity, this.device.address);
    if (binding === null || binding.revoked) return null;
    return binding.validUntil * 1000 >= this.clock.chainMs() ? binding.owner : null;
  }

  /** The device's signature of `SessionConsent` with these terms of a delegation. */
  consent(terms: ConsentTerms): Hex {
    const { chainId, contracts } = this.#network;
    return signConsent(this.device, chainId, contracts.identity, terms);
  }

  /** Length of a stage in ms. */
  stageLength(stage: Stage): number {
    return this.schedule.seconds[stage] * 1000;
  }

  /** Calls back for each attestation of this device in a block, from `fromRound` on. The result ends that. */
  watchInclusions(fromRound: number, listener: (attestation: AttestationOnChain) => void): () => void {
    const ended = new AbortController();
    const signal = AbortSignal.any([ended.signal, this.#abort.signal]);
    void this.#watch(fromRound, listener, signal);
    return () => ended.abort();
  }

  /**
   * Calls back when the node comes into reach or goes out of it, and at once with how it is now. The result
   * ends that.
   */
  watchReach(listener: (reachable: boolean) => void): () => void {
    return this.clock.watchReach(listener);
  }

  /**
   * Calls back with the error when another chain stands behind the node's address, and with undefined when
   * the own one is back. The result ends that.
   */
  watchReplaced(listener: (error: ChainError | undefined) => void): () => void {
    return this.clock.watchReplaced(listener);
  }

  /** Ends every request and every watch. Signing, verifying and the clock still work without the node. */
  async stop(): Promise<void> {
    this.#abort.abort();
    await this.clock.stop();
  }

  async #watch(
    fromRound: number,
    listener: (attestation: AttestationOnChain) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const began = this.schedule.genesis + (fromRound * roundMs(this.schedule)) / 1000;
    let fromBlock: bigint | undefined;
    while (fromBlock === undefined && !signal.aborted) {
      fromBlock = await firstBlockSince(this.client, began).catch(() => undefined);
      if (fromBlock === undefined) await sleep(2000, signal);
    }
    if (fromBlock === undefined) return;
    await watchAttestations({
      client: this.client,
      location: locationOf(this.#network),
      device: this.device.address,
      fromBlock,
      onAttestation: (each) => {
        if (each.round >= fromRound) listener(each);
      },
      sleep,
      signal,
    });
  }
}
