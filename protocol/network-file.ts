import type { Hex } from './hex.ts';
import { type IceServer, parseIceServers } from './ice-servers.ts';
import { ResponseTooLongError, readText } from './response-body.ts';
import { parseRollup, type RollupContracts } from './rollup.ts';

/** Where a swarm and its chain are: the checked content of a network file (network.json beside the page). */
export interface Network {
  readonly name: string;
  /** URL of the page; null where the file names none. */
  readonly page: string | null;
  /** JSON-RPC of the chain over HTTP. */
  readonly rpc: string;
  readonly chainId: number;
  readonly contracts: { readonly identity: Hex; readonly swarms: Hex; readonly participation: Hex };
  /** Number of the swarm that a page or a process takes part in where nobody says another. Defaults to 0. */
  readonly swarm: number;
  /** Contracts of paid and disputed training; undefined where the network has none. */
  readonly rollup: RollupContracts | undefined;
  /** Multiaddrs of relays, each ending in /p2p/<peer id>; at most 16. */
  readonly relays: readonly string[];
  /** STUN and TURN servers for devices behind routers. Defaults to none; nobody else's are ever asked. */
  readonly iceServers: readonly IceServer[];
  /** A network on this machine or a test bench: its chain's node holds funded development accounts. */
  readonly local: boolean;
  readonly walletConnectProjectId: string | null;
  /**
   * Whence the page may load published models, such as `https://models.example` and `https://*.example`; at
   * most 16. Defaults to Hugging Face and its storage.
   */
  readonly modelHosts: readonly string[];
  /** Block explorer, without a slash at the end. */
  readonly explorer: string | null;
}

/** The network file is absent or says something impossible. The message names the remedy. */
export class NetworkFileError extends Error {
  override readonly name = 'NetworkFileError';
}

/** Chain ids of development nodes: anvil and Hardhat, and the OP devnet. */
const LOCAL_CHAINS: ReadonlySet<number> = new Set([31337, 1337, 901]);

const MAX_RELAYS = 16;
const MAX_MODEL_HOSTS = 16;
/** A host over https, with subdomains or a port, or a port of this machine. */
const MODEL_HOST =
  /^(?:https:\/\/(?:\*\.)?[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::\d{1,5})?|http:\/\/(?:127\.0\.0\.1|localhost):\d{1,5})$/;
/** Where published models lie when a network file names no hosts: Hugging Face and its storage. */
export const DEFAULT_MODEL_HOSTS: readonly string[] = [
  'https://huggingface.co',
  'https://*.huggingface.co',
  'https://*.hf.co',
];
const MAX_TEXT = 400;
/** Bytes of a network file: a few times what one has with every list full. */
const MAX_FILE_BYTES = 64 * 1024;
/** How long a server may take to give it, in ms. */
const FETCH_MS = 30_000;

/** Checks the content of a network file. Throws NetworkFileError naming the first field that is wrong. */
export function parseNetwork(content: unknown): Network {
  const file = record(content, 'content');
  const contracts = record(file.contracts, 'contracts');
  const chainId = file.chainId;
  if (typeof chainId !== 'number' || !Number.isSafeInteger(chainId) || chainId <= 0)
    throw unusable('chainId');
  if (!Array.isArray(file.relays) || file.relays.length > MAX_RELAYS) throw unusable('relays');
  const local = typeof file.local === 'boolean' ? file.local : LOCAL_CHAINS.has(chainId);
  return {
    name: text(file.name, 80) ?? (local ? 'Local network' : `Chain ${chainId}`),
    page: file.page === undefined ? null : url(file.page, 'page'),
    rpc: url(file.rpc, 'rpc'),
    chainId,
    contracts: {
      identity: address(contracts.identity, 'contracts.identity'),
      swarms: address(contracts.swarms, 'contracts.swarms'),
      participation: address(contracts.participation, 'contracts.participation'),
    },
    swarm: swarmNumber(file.swarm ?? 0),
    rollup: parseRollup(file.rollup, unusable),
    relays: file.relays.map((relay) => {
      const multiaddr = text(relay, MAX_TEXT);
      if (multiaddr === null || !multiaddr.startsWith('/')) throw unusable('relays');
      return multiaddr;
    }),
    iceServers: parseIceServers(file.iceServers ?? [], unusable),
    local,
    walletConnectProjectId: text(file.walletConnectProjectId, 64),
    modelHosts: file.modelHosts === undefined ? DEFAULT_MODEL_HOSTS : modelHosts(file.modelHosts),
    explorer: file.explorer === undefined ? null : url(file.explorer, 'explorer').replace(/\/$/, ''),
  };
}

/** How a network file is fetched. */
export interface FetchNetworkOptions {
  /** Defaults to the global fetch. */
  readonly fetch?: typeof fetch;
  /** Defaults to one that aborts after 30 s. */
  readonly signal?: AbortSignal | undefined;
}

/** Fetches and checks the network file at an address. Throws NetworkFileError. */
export async function fetchNetwork(
  address: string | URL,
  options: FetchNetworkOptions = {},
): Promise<Network> {
  const { fetch: fetcher = fetch, signal = AbortSignal.timeout(FETCH_MS) } = options;
  let response: Response;
  try {
    response = await fetcher(address, { cache: 'no-store', signal });
  } catch (error) {
    throw new NetworkFileError('The page’s server cannot be reached. Check the connection and try again.', {
      cause: error,
    });
  }
  if (!response.ok) {
    throw new NetworkFileError(
      'No network is running behind this page. Start one with npm start, then try again.',
    );
  }
  let json: string;
  try {
    json = await readText(response, { maxBytes: MAX_FILE_BYTES, signal });
  } catch (error) {
    throw new NetworkFileError(
      error instanceof ResponseTooLongError
        ? `The network file has more than ${MAX_FILE_BYTES} bytes, so it is none. Check its address.`
        : 'The network file broke off. Check the connection and try again.',
      { cause: error },
    );
  }
  return parseNetworkText(json);
}

/** Checks the text of a network file. Throws NetworkFileError. */
export function parseNetworkText(json: string): Network {
  let content: unknown;
  try {
    content = JSON.parse(json);
  } catch (error) {
    throw new NetworkFileError(
      'The network file is not JSON. Whoever runs this network must write it again.',
      {
        cause: error,
      },
    );
  }
  return parseNetwork(content);
}

function unusable(field: string): NetworkFileError {
  return new NetworkFileError(
    `The network file has no usable ${field}. Whoever runs this network must write it again (npm start does).`,
  );
}

function modelHosts(value: unknown): readonly string[] {
  if (!Array.isArray(value) || value.length > MAX_MODEL_HOSTS) throw unusable('modelHosts');
  return value.map((host) => {
    const written = text(host, MAX_TEXT);
    if (written === null || !MODEL_HOST.test(written)) throw unusable('modelHosts');
    return written;
  });
}

function swarmNumber(value: unknown): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) throw unusable('swarm');
  return value;
}

function record(value: unknown, field: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) throw unusable(field);
  return value as Record<string, unknown>;
}

function text(value: unknown, longest: number): string | null {
  return typeof value === 'string' && value.length > 0 && value.length <= longest ? value : null;
}

function address(value: unknown, field: string): Hex {
  if (typeof value !== 'string' || !/^0x[0-9a-fA-F]{40}$/.test(value)) throw unusable(field);
  return value.toLowerCase() as Hex;
}

function url(value: unknown, field: string): string {
  const written = text(value, MAX_TEXT);
  if (written === null || !URL.canParse(written) || !/^https?:/.test(written)) throw unusable(field);
  return written;
}
