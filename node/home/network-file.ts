import { readFile } from 'node:fs/promises';
import type { Hex } from '../../protocol/hex.ts';
import { parseRollup, type RollupContracts } from '../../protocol/rollup.ts';

/** Where a swarm and its chain are; what `npm start` writes and the page serves as network.json. */
export interface NetworkFile {
  /** URL of the page. */
  readonly page: string;
  readonly rpc: string;
  readonly chainId: number;
  readonly contracts: { readonly identity: Hex; readonly participation: Hex };
  /** Paid and disputed training; undefined where the network has none. */
  readonly rollup?: RollupContracts | undefined;
  /** Multiaddrs of relays, each ending in /p2p/<peer id>. */
  readonly relays: readonly string[];
}

/** The network file is absent or unusable. */
export class NetworkFileError extends Error {
  override readonly name = 'NetworkFileError';
}

const MAX_RELAYS = 16;

/** Reads a network file from a path or an http(s) URL. Throws NetworkFileError. */
export async function readNetworkFile(where: string): Promise<NetworkFile> {
  let text: string;
  try {
    text = /^https?:/.test(where) ? await download(where) : await readFile(where, 'utf8');
  } catch (error) {
    throw new NetworkFileError(
      `There is no network at ${where}. Start one with npm start, or name another with --network.`,
      { cause: error },
    );
  }
  try {
    return parseNetworkFile(JSON.parse(text));
  } catch (error) {
    if (error instanceof NetworkFileError) throw error;
    throw new NetworkFileError(`${where} is not JSON. Start the network again with npm start.`);
  }
}

async function download(url: string): Promise<string> {
  const response = await fetch(url, { signal: AbortSignal.timeout(10_000) });
  if (!response.ok) throw new Error(`the server answered ${response.status}`);
  return response.text();
}

/** Checks a parsed network file. Throws NetworkFileError naming the first field that is wrong. */
export function parseNetworkFile(value: unknown): NetworkFile {
  const file = fields(value, 'content');
  const contracts = fields(file.contracts, 'contracts');
  const { chainId, relays } = file;
  if (typeof chainId !== 'number' || !Number.isSafeInteger(chainId) || chainId <= 0) throw wrong('chainId');
  if (!Array.isArray(relays) || relays.length > MAX_RELAYS) throw wrong('relays');
  return {
    page: url(file.page ?? 'http://localhost/', 'page'),
    rpc: url(file.rpc, 'rpc'),
    chainId,
    contracts: {
      identity: address(contracts.identity, 'contracts.identity'),
      participation: address(contracts.participation, 'contracts.participation'),
    },
    rollup: parseRollup(file.rollup, wrong),
    relays: relays.map((relay) => {
      if (typeof relay !== 'string' || !relay.startsWith('/') || relay.length > 400) throw wrong('relays');
      return relay;
    }),
  };
}

function wrong(field: string): NetworkFileError {
  return new NetworkFileError(
    `The network file has no usable ${field}. Start the network again with npm start.`,
  );
}

function fields(value: unknown, field: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) throw wrong(field);
  return value as Record<string, unknown>;
}

function address(value: unknown, field: string): Hex {
  if (typeof value !== 'string' || !/^0x[0-9a-fA-F]{40}$/.test(value)) throw wrong(field);
  return value.toLowerCase() as Hex;
}

function url(value: unknown, field: string): string {
  if (typeof value !== 'string' || value.length > 400 || !/^https?:/.test(value) || !URL.canParse(value))
    throw wrong(field);
  return value;
}
