import type { Hex } from './hex.ts';
import type { RollupContracts } from './rollup.ts';

/** Where the swarm and its chain are; the content of ./network.json, checked. */
export interface Network {
  readonly name: string;
  readonly rpc: string;
  readonly chainId: number;
  readonly contracts: { readonly identity: Hex; readonly participation: Hex };
  /** Paid and disputed training; undefined where the network has none. */
  readonly rollup: RollupContracts | undefined;
  /** Multiaddrs of relays. */
  readonly relays: readonly string[];
  /** A network on the volunteer's own machine or a test bench: its node holds funded development accounts. */
  readonly local: boolean;
  readonly walletConnectProjectId: string | null;
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

/** Fetches and checks ./network.json beside the page. Throws NetworkFileError. */
export async function fetchNetwork(
  base: string,
  fetcher: typeof fetch,
  signal?: AbortSignal,
): Promise<Network> {
  let response: Response;
  try {
    response = await fetcher(new URL('network.json', base), {
      cache: 'no-store',
      ...(signal === undefined ? {} : { signal }),
    });
  } catch {
    throw new NetworkFileError('The page’s server cannot be reached. Check the connection and try again.');
  }
  if (!response.ok) {
    throw new NetworkFileError(
      'No network is running behind this page. Start one with npm start, then try again.',
    );
  }
  let content: unknown;
  try {
    content = await response.json();
  } catch {
    throw new NetworkFileError('network.json is not JSON. Whoever serves this page must repair it.');
  }
  return parseNetwork(content);
}

/** Checks the content of a network file. Throws NetworkFileError naming the first field that is wrong. */
export function parseNetwork(content: unknown): Network {
  const file = record(content, 'network.json');
  const contracts = record(file.contracts, 'contracts');
  const chainId = file.chainId;
  if (typeof chainId !== 'number' || !Number.isSafeInteger(chainId) || chainId <= 0) throw wrong('chainId');
  if (!Array.isArray(file.relays) || file.relays.length > MAX_RELAYS) throw wrong('relays');
  const local = typeof file.local === 'boolean' ? file.local : LOCAL_CHAINS.has(chainId);
  return {
    name: text(file.name, 80) ?? (local ? 'Local network' : `Chain ${chainId}`),
    rpc: url(file.rpc, 'rpc'),
    chainId,
    contracts: {
      identity: address(contracts.identity, 'contracts.identity'),
      participation: address(contracts.participation, 'contracts.participation'),
    },
    rollup: file.rollup === undefined ? undefined : rollup(record(file.rollup, 'rollup')),
    relays: file.relays.map((relay) => {
      const multiaddr = text(relay, 400);
      if (multiaddr === null || !multiaddr.startsWith('/')) throw wrong('relays');
      return multiaddr;
    }),
    local,
    walletConnectProjectId: text(file.walletConnectProjectId, 64),
    explorer: file.explorer === undefined ? null : url(file.explorer, 'explorer').replace(/\/$/, ''),
  };
}

function rollup(contracts: Readonly<Record<string, unknown>>): RollupContracts {
  const at = (name: keyof RollupContracts) => address(contracts[name], `rollup.${name}`);
  return {
    judge: at('judge'),
    disputes: at('disputes'),
    payments: at('payments'),
    ownership: at('ownership'),
    jobs: at('jobs'),
    crowdfund: at('crowdfund'),
    trainingRecord: at('trainingRecord'),
    descriptions: at('descriptions'),
  };
}

function wrong(field: string): NetworkFileError {
  return new NetworkFileError(
    `network.json has no usable ${field}. Whoever serves this page must repair it.`,
  );
}

function record(value: unknown, field: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) throw wrong(field);
  return value as Record<string, unknown>;
}

function text(value: unknown, longest: number): string | null {
  return typeof value === 'string' && value.length > 0 && value.length <= longest ? value : null;
}

function address(value: unknown, field: string): Hex {
  if (typeof value !== 'string' || !/^0x[0-9a-fA-F]{40}$/.test(value)) throw wrong(field);
  return value.toLowerCase() as Hex;
}

function url(value: unknown, field: string): string {
  const written = text(value, 400);
  if (written === null || !URL.canParse(written) || !/^https?:/.test(written)) throw wrong(field);
  return written;
}
