import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { connect } from '../../chain/network.ts';
import { TransactionQueue } from '../../chain/transaction-queue.ts';
import { defaultSpec } from '../../node/devnet/default-swarm.ts';
import { fundedWallet, startLocalChain } from '../../node/devnet/local-chain.ts';
import { servePage } from '../../node/devnet/page-server.ts';
import { startRpcGuard } from '../../node/devnet/rpc-guard.ts';
import { stageSeconds } from '../../node/devnet/stages.ts';
import { writeWhole } from '../../node/home/files.ts';
import { startServeHttp } from '../../node/serve/http.ts';
import { startObservers } from '../../node/serve/observers.ts';
import { turnCredentials } from '../../node/serve/turn-credentials.ts';
import { type Network, parseNetwork } from '../../protocol/network-file.ts';
import { networkId } from '../../swarm/network-id.ts';
import { startRelay } from '../../swarm/relay/relay.ts';
import { SERVER } from './sites.ts';
import { startTurnServer } from './turn-server.ts';

/** Seconds that a password for the TURN server holds. */
const TURN_TTL = 3600;
/** More than the drill uses. */
const BUDGET = {
  gasPerRound: 48_000_000,
  gasPerDay: 48_000_000_000,
  gasPerAccount: Number.POSITIVE_INFINITY,
};

/** A swarm at public addresses, as a team runs it by docs/deploy.md, on a development chain. */
export interface PublicSwarm {
  readonly page: string;
  /** The content of network.json. It names all relays. */
  readonly network: Readonly<Record<string, unknown>>;
  /** One or more. */
  readonly relays: readonly PublicRelay[];
  /** Stops relays, archive and submitter. Nobody is introduced any more, and nothing comes on the chain. */
  stopIntroductions(): Promise<void>;
  /** Stops archive and submitter. */
  stopObservers(): Promise<void>;
  /** Stops coturn. */
  stopTurnServer(): Promise<void>;
  stop(): Promise<void>;
}

export interface PublicRelay {
  readonly addresses: readonly string[];
  stop(): Promise<void>;
}

export interface PublicSwarmOptions {
  /** Folder for keys, the chain and the archive. */
  readonly folder: string;
  readonly roundSeconds: number;
  /** How many relays. Defaults to 1. */
  readonly relays?: number;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

/**
 * Starts chain, relay, archive, submitter, coturn with the endpoint of its passwords, and the built page. All
 * listen on the public network's addresses, but for the chain's own node.
 */
export async function startPublicSwarm(options: PublicSwarmOptions): Promise<PublicSwarm> {
  const { folder, roundSeconds, say, signal } = options;
  const closing: (() => unknown)[] = [];
  const stop = async (): Promise<void> => {
    for (const close of closing.splice(0).reverse()) await close();
  };
  try {
    await mkdir(folder, { recursive: true });
    const spec = defaultSpec(stageSeconds(roundSeconds));
    const { anvil, contracts, rollup, swarm } = await startLocalChain({
      ...{ folder: join(folder, 'chain'), spec, signal },
    });
    closing.push(() => anvil.stop());
    const relays: PublicRelay[] = [];
    for (let n = 0; n < (options.relays ?? 1); n++) {
      const relay = await startRelay({
        ...{ privateKey: randomBytes(32), host: SERVER },
        networks: [networkId(anvil.chainId, contracts.participation, swarm)],
      });
      const stopRelay = once(() => relay.stop());
      closing.push(stopRelay);
      relays.push({ addresses: relay.addresses, stop: stopRelay });
    }
    const secret = randomBytes(16).toString('hex');
    const turnServer = await startTurnServer({ secret, folder, say });
    const stopTurnServer = once(() => turnServer.stop());
    closing.push(stopTurnServer);

    const networkFile = join(folder, 'network.json');
    const page = await servePage({ port: 8080, networkFile, dev: false, host: SERVER });
    closing.push(() => page.stop());
    const { origin } = new URL(page.url);
    const guard = await startRpcGuard({ upstream: anvil.rpc, port: 0, origins: [origin], host: SERVER });
    closing.push(() => guard.stop());
    const http = await startServeHttp({
      ...{ host: SERVER, port: 0, origin, behindProxy: false, now: Date.now },
      health: () => ({ broken: [], warnings: [] }),
      metrics: async () => '',
      turn: () => turnCredentials({ secret, ttl: TURN_TTL, now: Date.now() }),
    });
    closing.push(() => http.stop());
    const file = {
      ...{ name: 'Drill', page: page.url, rpc: guard.url, chainId: anvil.chainId, contracts, swarm, rollup },
      relays: relays.flatMap(({ addresses }) => addresses),
      // Members are on machines of their own.
      local: false,
      iceServers: [
        { urls: turnServer.stun },
        { urls: turnServer.turn, credentials: `${http.url}/turn-credentials` },
      ],
    };
    await writeWhole(networkFile, `${JSON.stringify(file, null, 2)}\n`);
    const network: Network = parseNetwork(file);
    const wallet = await fundedWallet(anvil, join(folder, 'submitter.key'));
    const queue = new TransactionQueue({ client: connect(network, { signal }), wallet });
    const observers = await startObservers({
      ...{ network, home: folder, queue, swarms: 1, budget: BUDGET, say, signal },
    });
    const stopObservers = once(() => observers.stop());
    closing.push(stopObservers);
    return {
      page: page.url,
      network: file,
      relays,
      stopIntroductions: async () => {
        for (const relay of relays) await relay.stop();
        await stopObservers();
      },
      ...{ stopObservers, stopTurnServer, stop },
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Does something when it is first called, and nothing later. */
function once(act: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined;
  return () => {
    done ??= act();
    return done;
  };
}
