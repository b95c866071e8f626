import { createWalletClient, formatEther } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { chainOf, connect, transportOf } from '../../chain/network.ts';
import { Poller } from '../../chain/poller.ts';
import { TransactionQueue } from '../../chain/transaction-queue.ts';
import { deviceKey } from '../../protocol/device-key.ts';
import { toHex } from '../../protocol/hex.ts';
import type { Network } from '../../protocol/network-file.ts';
import { networkId } from '../../swarm/network-id.ts';
import { CONNECTION_LIMITS, HALF_OPEN_LIMITS, startRelay } from '../../swarm/relay/relay.ts';
import { RESERVATION_LIMITS } from '../../swarm/relay/reservations.ts';
import { secretFile } from '../home/key-file.ts';
import { type Health, startServeHttp } from './http.ts';
import { metricsText } from './metrics.ts';
import { startObservers } from './observers.ts';
import type { ServeSettings } from './settings.ts';
import { turnCredentials } from './turn-credentials.ts';

/** Swarms whose messages the relay passes on: the network's and those that are opened next. */
const RELAYED_SWARMS = 16;
/** How often the account and the archives are looked at, in ms. */
const LOOK_MS = 15_000;
/** How long the chain may be silent before the service counts as broken, in ms. */
const SILENCE_MS = 60_000;
/** The part of a day's gas, and of the disk, at which a warning comes. */
const LOW_GAS = 0.2;
const FULL_DISK = 0.9;

const EMPTY =
  'The day’s gas is spent: statements wait for the next day, training goes on, and anybody else may post them.';

export interface ServicesOptions {
  readonly settings: ServeSettings;
  readonly network: Network;
  readonly say: (line: string) => void;
  /** Unix milliseconds. Defaults to `Date.now`. */
  readonly now?: () => number;
  readonly signal: AbortSignal;
}

export interface Services {
  /** Full multiaddrs of the relay. */
  readonly relays: readonly string[];
  /** Where /healthz and /metrics are. */
  readonly http: string;
  health(): Health;
  stop(): Promise<void>;
}

/** The addresses under which the outside reaches the relay of some settings. Makes its key on first use. */
export async function relayAddressesOf({ relay }: ServeSettings): Promise<readonly string[]> {
  const { peerId } = deviceKey(await secretFile(relay.keyFile));
  return relay.announce.map((address) => `${address}/p2p/${peerId}`);
}

/**
 * Everything that a network needs beside its members: a relay, an observer of each swarm (archive and
 * submitter), and the figures about them. The keys lie in the home folder, so that the relay has the same
 * address after a restart.
 */
export async function startServices(options: ServicesOptions): Promise<Services> {
  const { settings, network, say, now = Date.now, signal } = options;
  const closing: (() => unknown)[] = [];
  const stop = async (): Promise<void> => {
    for (const close of closing.splice(0).reverse()) await close();
  };
  try {
    const { relay: asked, budget, swarms } = settings;
    // A proxy's connections all come from one address, which may then have all places.
    const shared = <T extends { readonly places: number }>(limits: T): T =>
      asked.behindProxy ? { ...limits, perPrefix: limits.places, reserve: 0 } : limits;
    const relay = await startRelay({
      privateKey: await secretFile(asked.keyFile),
      host: asked.host,
      ports: asked.ports,
      announce: asked.announce,
      networks: Array.from({ length: RELAYED_SWARMS }, (_, i) =>
        networkId(network.chainId, network.contracts.participation, network.swarm + i),
      ),
      connections: shared(CONNECTION_LIMITS),
      halfOpen: shared(HALF_OPEN_LIMITS),
      reservations: shared(RESERVATION_LIMITS),
      ...(asked.certificate === undefined ? {} : { certificate: asked.certificate }),
    });
    closing.push(() => relay.stop());
    signal.throwIfAborted();

    const client = connect(network, { signal });
    const account = privateKeyToAccount(toHex(await secretFile(settings.submitterKeyFile)));
    const wallet = createWalletClient({
      account,
      chain: chainOf(network),
      transport: transportOf(network, { signal }),
    });
    const queue = new TransactionQueue({
      ...{ client, wallet },
      ...(settings.maxFeePerGas === undefined ? {} : { maxFeePerGas: settings.maxFeePerGas }),
    });
    const counts = { archived: 0, refused: 0, posted: 0, gas: 0, troubles: 0, credentials: 0 };
    const observers = await startObservers({
      ...{ queue, swarms, say, signal },
      // Of the same machine, so that it needs no way through the proxy.
      network: { ...network, relays: [...network.relays, ...relay.addresses.filter(isOfThisMachine)] },
      home: settings.home,
      budget: { ...budget, gasPerDay: budget.gasPerDay / swarms },
      diskBytes: settings.diskBytes / swarms,
      onEvent: (event) => {
        if (event.kind === 'archived') counts.archived++;
        if (event.kind === 'refused') counts.refused++;
        if (event.kind === 'trouble') counts.troubles++;
        if (event.kind === 'included') {
          counts.posted++;
          counts.gas += event.gas;
        }
      },
    });
    closing.push(() => observers.stop());

    let balance = 0n;
    let dayPrice = 0n;
    let archiveBytes = 0;
    let heardChain = now();
    const all = () => [...observers.all()];
    const gasLeft = () => all().reduce((sum, [, each]) => sum + each.gasLeftToday(), 0);
    const health = (): Health => {
      const broken: string[] = [];
      const warnings: string[] = [];
      if (now() - heardChain > SILENCE_MS) broken.push('The chain’s node does not answer.');
      if (budget.gasPerDay > 0) {
        const given = (budget.gasPerDay / swarms) * observers.all().size;
        if (gasLeft() <= 0) warnings.push(EMPTY);
        else if (gasLeft() < LOW_GAS * given) warnings.push('Less than a fifth of the day’s gas is left.');
        if (balance < dayPrice)
          warnings.push(
            `The account ${account.address} has ${formatEther(balance)} ether, less than a day’s budget.`,
          );
      }
      if (archiveBytes > FULL_DISK * settings.diskBytes)
        warnings.push('The archives have nearly all of the disk that they may take.');
      return { broken, warnings };
    };
    let told = new Set<string>();
    const watch = new Poller({
      pass: async () => {
        const sizes = await Promise.all(all().map(([, each]) => each.archiveBytes()));
        archiveBytes = sizes.reduce((sum, size) => sum + size, 0);
        const [has, { maxFeePerGas }] = await Promise.all([
          client.getBalance({ address: account.address }),
          client.estimateFeesPerGas(),
        ]);
        balance = has;
        dayPrice = BigInt(budget.gasPerDay) * maxFeePerGas;
        heardChain = now();
        tell();
      },
      onError: () => tell(),
      intervalMs: LOOK_MS,
    });
    /** Says each alarm once, until it is over. */
    const tell = (): void => {
      const { broken, warnings } = health();
      const current = new Set([...broken, ...warnings]);
      for (const sentence of current) if (!told.has(sentence)) say(`ALARM: ${sentence}`);
      for (const sentence of told) if (!current.has(sentence)) say(`Over: ${sentence}`);
      told = current;
    };
    watch.start();
    closing.push(() => watch.stop());

    const metrics = async (): Promise<string> => {
      const one = (value: number) => [{ value }];
      const bySwarm = (of: (each: ReturnType<typeof all>[number][1]) => number) =>
        all().map(([swarm, each]) => ({ labels: { swarm: String(swarm) }, value: of(each) }));
      const { broken, warnings } = health();
      const gauge = (name: string, help: string, values: ReturnType<typeof bySwarm> | { value: number }[]) =>
        ({ name: `starling_${name}`, help, kind: 'gauge', values }) as const;
      const counter = (name: string, help: string, value: number) =>
        ({ name: `starling_${name}_total`, help, kind: 'counter', values: one(value) }) as const;
      return metricsText([
        gauge('broken', 'Things that do not work.', one(broken.length)),
        gauge('warnings', 'Things that a person should look at.', one(warnings.length)),
        gauge('relay_connections', 'Connections of the relay.', one(relay.connections())),
        gauge('relay_reservations', 'Peers that others reach through the relay.', one(relay.reservations())),
        {
          ...{ name: 'starling_relay_rejected_total', kind: 'counter' },
          help: 'Messages that the relay did not pass on, by reason.',
          values: Object.entries(relay.rejected.snapshot()).map(([reason, value]) => ({
            labels: { reason },
            value,
          })),
        },
        gauge(
          'submitter_waiting',
          'Statements that wait for the chain.',
          bySwarm((each) => each.waiting()),
        ),
        gauge(
          'submitter_gas_left',
          'Gas of the day’s budget.',
          bySwarm((each) => each.gasLeftToday()),
        ),
        gauge('submitter_balance_ether', 'What the account has.', one(Number(balance) / 1e18)),
        counter('submitter_posted', 'Statements that this service put on the chain.', counts.posted),
        counter('submitter_gas', 'Gas that they took.', counts.gas),
        counter('submitter_troubles', 'Attempts that failed and are repeated.', counts.troubles),
        counter('archive_rounds', 'Rounds that were archived.', counts.archived),
        counter('refused', 'Rounds and statements that were not taken.', counts.refused),
        gauge('archive_bytes', 'Content of the archives on the disk.', one(archiveBytes)),
        gauge('archive_limit_bytes', 'What they may take.', one(settings.diskBytes)),
        gauge('chain_silence_seconds', 'Since the chain answered.', one((now() - heardChain) / 1000)),
        counter('turn_credentials', 'Credentials given out.', counts.credentials),
        gauge('resident_memory_bytes', 'Memory of this process.', one(process.memoryUsage().rss)),
      ]);
    };
    const { turn } = settings;
    const http = await startServeHttp({
      ...{ ...settings.http, health, metrics, now },
      turn:
        turn === undefined
          ? undefined
          : () => {
              counts.credentials++;
              return turnCredentials({ ...turn, now: now() });
            },
      origin: network.page === null ? undefined : new URL(network.page).origin,
      behindProxy: asked.behindProxy,
    });
    closing.push(() => http.stop());
    return { relays: relay.addresses, http: http.url, health, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function isOfThisMachine(address: string): boolean {
  return address.startsWith('/ip4/127.0.0.1/tcp/');
}
