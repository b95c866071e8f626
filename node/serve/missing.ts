import { createServer } from 'node:net';
import { formatEther, type PublicClient } from 'viem';
import type { Hex } from '../../protocol/hex.ts';
import type { Network } from '../../protocol/network-file.ts';
import type { ServeSettings } from './settings.ts';

export interface MissingOptions {
  readonly settings: ServeSettings;
  readonly network: Network;
  readonly client: PublicClient;
  /** Account that pays for what devices sign. */
  readonly account: Hex;
  /** Addresses under which the outside reaches this relay, each ending in /p2p/<peer id>. */
  readonly relayAddresses: readonly string[];
}

/** What there is to do before the services are of use. */
export interface Missing {
  /** Without these something does not work. */
  readonly missing: readonly string[];
  /** These are worth a thought. */
  readonly advice: readonly string[];
}

/** Looks at the settings, the network file, this machine's ports and the chain. Sends nothing. */
export async function whatIsMissing(options: MissingOptions): Promise<Missing> {
  const { settings, network, client, account, relayAddresses } = options;
  const missing: string[] = [];
  const advice: string[] = [];
  const { relay, http } = settings;
  for (const [port, host, use] of [
    [relay.ports.ws, relay.host, 'the relay’s WebSocket'],
    [relay.ports.tcp, relay.host, 'the relay’s TCP'],
    [http.port, http.host, '/healthz and /metrics'],
  ] as const)
    if (!(await isFree(port, host))) missing.push(`Port ${port} for ${use} is taken. Name another.`);

  if (!network.local && relay.announce.length === 0)
    missing.push(
      'Nobody outside can reach the relay: name its address with --announce /dns4/HOST/tcp/443/wss.',
    );
  const unnamed = relayAddresses.filter((address) => !network.relays.includes(address));
  if (unnamed.length > 0)
    missing.push(`network.json does not name this relay. Run with --write, or add: ${unnamed.join(', ')}`);
  if (
    network.page?.startsWith('https:') === true &&
    relay.announce.every((each) => !/\/(wss|tls)\b/.test(each))
  )
    missing.push(
      'The page lies behind https, and browsers then need a relay with TLS: announce one that ends in /wss.',
    );

  missing.push(...(await chainMissing()));
  const endpoints = network.iceServers.some(
    (server) => server.kind === 'turn' && server.access.kind === 'endpoint',
  );
  if (endpoints && settings.turn === undefined)
    missing.push(
      'network.json names an address of TURN credentials: name coturn’s secret with --turn-secret-file.',
    );
  if (network.iceServers.length === 0 && !network.local)
    advice.push('network.json names no iceServers: devices behind different routers do not meet.');
  if (network.page === null)
    advice.push('network.json names no page: links are short, and any page may ask for TURN credentials.');
  if (!network.local && network.rpc.startsWith('http:'))
    advice.push('The RPC address is without TLS: a page behind https may not ask it.');
  if (settings.maxFeePerGas === undefined)
    advice.push('Without --max-fee the submitter pays whatever the chain asks for gas.');
  return { missing, advice };

  async function chainMissing(): Promise<readonly string[]> {
    try {
      const chainId = await client.getChainId();
      if (chainId !== network.chainId)
        return [`The node at ${network.rpc} is of chain ${chainId}, and network.json of ${network.chainId}.`];
      const code = await client.getCode({ address: network.contracts.swarms });
      if (code === undefined) return ['The contracts are not on this chain. Run npm run deploy.'];
      const [balance, { maxFeePerGas }] = await Promise.all([
        client.getBalance({ address: account }),
        client.estimateFeesPerGas(),
      ]);
      const day = BigInt(settings.budget.gasPerDay) * maxFeePerGas;
      if (settings.budget.gasPerDay === 0 || balance >= day) return [];
      const sentence = `The submitter’s account ${account} has ${formatEther(balance)} ether; a day’s budget costs up to ${formatEther(day)}.`;
      if (balance === 0n) return [`${sentence} Send it some, or pay for nobody with --gas-per-day 0.`];
      advice.push(sentence);
      return [];
    } catch {
      return [`The chain’s node at ${new URL(network.rpc).host} does not answer.`];
    }
  }
}

/** Whether a port can be listened on. 0 is any free port. */
function isFree(port: number, host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, host, () => server.close(() => resolve(true)));
  });
}
