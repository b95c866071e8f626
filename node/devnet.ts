/** A whole network on this machine; `npm start` runs it. Prints one URL and a line when all is ready. */
import '../swarm/node20.ts';
import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { connect } from '../chain/network.ts';
import { TransactionQueue } from '../chain/transaction-queue.ts';
import { parseNetwork } from '../protocol/network-file.ts';
import { networkId } from '../swarm/network-id.ts';
import { type Child, startChild } from './devnet/child.ts';
import { defaultSpec } from './devnet/default-swarm.ts';
import { fundedWallet, startLocalChain } from './devnet/local-chain.ts';
import { servePage } from './devnet/page-server.ts';
import { startRpcGuard } from './devnet/rpc-guard.ts';
import { stageSeconds } from './devnet/stages.ts';
import { aborted, parseCommandLine, runProcess, wholeNumber } from './home/command-line.ts';
import { writeWhole } from './home/files.ts';
import { startObservers } from './serve/observers.ts';

const HELP = 'devnet.ts --home DIR [--volunteers N] [--round S] [--port P] [--dev]';

/** First port to try for the chain's guarded address. */
const RPC_PORT = 8545;
/** In wei; fifty times what a new local chain asks. */
const LOCAL_MAX_FEE = 100_000_000_000n;

/** Coin is free here: strangers' eighth is enough for the first round of 64 volunteers. */
const LOCAL_GAS_PER_ROUND = 48_000_000;
const LOCAL_BUDGET = {
  gasPerRound: LOCAL_GAS_PER_ROUND,
  gasPerDay: 1000 * LOCAL_GAS_PER_ROUND,
  gasPerAccount: Number.POSITIVE_INFINITY,
};

/** Swarms whose messages the relay passes on: the default one and those that are opened next. */
const RELAYED_SWARMS = 16;

/** How to stop what was started, in the order of starting. */
type Closing = (() => unknown)[];

interface DevnetOptions {
  readonly home: string;
  readonly volunteers: number;
  readonly roundSeconds: number;
  readonly port: number;
  /** Whether the page is served from its sources, with hot reload, instead of as it was built. */
  readonly dev: boolean;
  readonly signal: AbortSignal;
}

await runProcess(async (signal) => {
  const { values } = parseCommandLine(
    {
      options: {
        home: { type: 'string', default: '.starling' },
        volunteers: { type: 'string', default: '0' },
        round: { type: 'string', default: '20' },
        port: { type: 'string', default: '5173' },
        dev: { type: 'boolean', default: false },
      },
    },
    HELP,
  );
  const closing: Closing = [];
  try {
    await startDevnet(
      {
        home: resolve(values.home),
        volunteers: wholeNumber('--volunteers', values.volunteers, 0, 64),
        roundSeconds: wholeNumber('--round', values.round, 5, 3600),
        port: wholeNumber('--port', values.port, 1, 65_535),
        dev: values.dev,
        signal,
      },
      closing,
    );
    await aborted(signal);
  } finally {
    // In reverse order, each given its chance whatever the others do.
    for (const close of closing.reverse()) {
      try {
        await close();
      } catch (error) {
        console.error(error);
      }
    }
  }
  return 0;
});

/** Starts the parts one after the other; what must be stopped later is pushed onto `closing`. */
async function startDevnet(options: DevnetOptions, closing: Closing): Promise<void> {
  const { home, volunteers, roundSeconds, port, dev, signal } = options;
  const networkFile = join(home, 'devnet.json');
  await rm(networkFile, { force: true });
  closing.push(() => rm(networkFile, { force: true }));

  const chain = await startChain();
  const { anvil, contracts, rollup, swarm } = chain;
  // The ids of swarms that somebody opens later are known now.
  const relay = await startRelayProcess(
    home,
    Array.from({ length: RELAYED_SWARMS }, (_, i) =>
      networkId(anvil.chainId, contracts.participation, swarm + i),
    ),
  );
  void anvil.exited.then(() =>
    say('The local chain has stopped: rounds go on by the clock, but nothing is recorded.'),
  );
  void relay.child.ended.then(() =>
    say('The relay has stopped: connected peers go on, newcomers cannot join.'),
  );
  signal.throwIfAborted();

  const page = await servePage({ port, networkFile, dev });
  closing.push(() => page.stop());
  const { port: served } = new URL(page.url);
  const guard = await startRpcGuard({
    upstream: anvil.rpc,
    port: RPC_PORT,
    // A person may open the page under either name.
    origins: [`http://localhost:${served}`, `http://127.0.0.1:${served}`],
  });
  closing.push(() => guard.stop());
  const file = {
    name: 'Local network',
    local: true,
    page: page.url,
    rpc: guard.url,
    chainId: anvil.chainId,
    contracts,
    swarm,
    rollup,
    relays: relay.addresses,
    processes: { devnet: process.pid, relay: relay.child.pid, anvil: anvil.pid },
  };
  const network = parseNetwork(file);
  await writeWhole(networkFile, `${JSON.stringify(file, null, 2)}\n`);
  signal.throwIfAborted();

  await startObserving();
  for (let number = 1; number <= volunteers; number++) startVolunteerProcess(number);
  if (!signal.aborted) announce();

  function say(line: string): void {
    if (!signal.aborted) console.log(line);
  }

  async function startChain() {
    const started = await startLocalChain({
      folder: join(home, 'chain'),
      spec: defaultSpec(stageSeconds(roundSeconds)),
      signal,
    });
    closing.push(() => started.anvil.stop());
    return started;
  }

  async function startObserving(): Promise<void> {
    const queue = new TransactionQueue({
      client: connect(network, { signal }),
      wallet: await fundedWallet(anvil, join(home, 'chain', 'submitter.key')),
      patienceMs: 20_000,
      maxFeePerGas: LOCAL_MAX_FEE,
    });
    const observers = await startObservers({
      ...{ network, home, queue, swarms: RELAYED_SWARMS, budget: LOCAL_BUDGET, say, signal },
    });
    closing.push(() => observers.stop());
  }

  function startVolunteerProcess(number: number): void {
    const child = startChild({
      entry: new URL('./run-volunteer.ts', import.meta.url),
      argv: ['--network', networkFile, '--home', join(home, 'volunteers', String(number))],
      onLine: (line) => say(`  volunteer ${number}: ${line}`),
    });
    closing.push(() => child.stop());
    void child.ended.then((how) => say(`  volunteer ${number} has stopped (${how}).`));
  }

  function announce(): void {
    console.log(`\n  ${page.url}\n`);
    const others =
      volunteers === 0
        ? ''
        : ` ${volunteers} ${volunteers === 1 ? 'volunteer starts' : 'volunteers start'} beside it.`;
    console.log(
      `Ready: open the page and click "Contribute GPU".${others} Rounds of ${roundSeconds} s${chain.resumed ? ', going on from the last start' : ''}. Ctrl-C stops everything.`,
    );
  }

  async function startRelayProcess(
    folder: string,
    networks: readonly string[],
  ): Promise<{ readonly child: Child; readonly addresses: readonly string[] }> {
    const child = startChild({
      entry: new URL('./devnet/relay-process.ts', import.meta.url),
      argv: [
        ...['--key', join(folder, 'relay.key'), '--ports', join(folder, 'relay-ports.json')],
        ...networks.flatMap((network) => ['--network', network]),
      ],
      onLine: (line) => say(`  relay: ${line}`),
    });
    closing.push(() => child.stop());
    const message = (await child.message()) as { readonly addresses: readonly string[] };
    return { child, addresses: message.addresses };
  }
}
