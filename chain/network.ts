import { type Address, type Chain, createPublicClient, defineChain, http, type PublicClient } from 'viem';
import { readBytes } from '../protocol/response-body.ts';
import type { RollupContracts } from '../protocol/rollup.ts';

/** The chain and the addresses of a deployment. */
export interface ChainNetwork {
  /** JSON-RPC over HTTP. */
  readonly rpc: string;
  readonly chainId: number;
  readonly contracts: {
    readonly identity: Address;
    readonly swarms: Address;
    readonly participation: Address;
  };
  /** Number of the swarm that is meant: the network's default, or the one that a person chose. */
  readonly swarm: number;
  /** The contracts of paid and disputed training; undefined for a network that has none. */
  readonly rollup?: RollupContracts | undefined;
}

export interface ConnectOptions {
  readonly fetch?: typeof fetch;
  /** Aborts every request, now and later. */
  readonly signal?: AbortSignal;
  /** Time between two requests for a receipt while viem waits for one, in ms. Defaults to 500. */
  readonly pollingInterval?: number;
  /** How long one request may take, in ms. Defaults to 10,000. */
  readonly timeout?: number;
}

/**
 * Bytes of the longest answer of a node: several times what the largest range of events has that is asked for
 * at once.
 */
const MAX_ANSWER = 64 * 1024 * 1024;

/** The chain as viem describes it. */
export function chainOf(network: Pick<ChainNetwork, 'rpc' | 'chainId'>): Chain {
  return defineChain({
    id: network.chainId,
    name: `Chain ${network.chainId}`,
    nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 },
    rpcUrls: { default: { http: [network.rpc] } },
  });
}

/**
 * HTTP transport whose requests end with `signal`. It never retries: the callers in this room poll anyway.
 */
export function transportOf(network: Pick<ChainNetwork, 'rpc'>, options: ConnectOptions = {}) {
  const { fetch: fetcher = fetch, signal, timeout = 10_000 } = options;
  return http(network.rpc, {
    retryCount: 0,
    timeout,
    fetchFn: boundedFetch(fetcher, signal),
  });
}

/**
 * A `fetch` for viem, which reads whole answers: one of more than 64 MiB rejects with ResponseTooLongError.
 * `signal` ends every request. Defaults to the global fetch, and to no signal.
 */
export function boundedFetch(fetcher: typeof fetch = fetch, signal?: AbortSignal): typeof fetch {
  return (input, init) => fetchUntil(fetcher, input, init ?? {}, signal);
}

/**
 * `fetch` that a second, long-lived signal ends too. AbortSignal.any would add an entry for each request to a
 * signal that lives as long as the page, so this removes its listeners. It reads the whole body before that:
 * JSON-RPC answers are small.
 */
async function fetchUntil(
  fetcher: typeof fetch,
  input: Parameters<typeof fetch>[0],
  init: RequestInit,
  signal: AbortSignal | undefined,
): Promise<Response> {
  const request = new AbortController();
  const abort = (): void => request.abort();
  const signals = [signal, init.signal].filter((each) => each instanceof AbortSignal);
  for (const each of signals) {
    if (each.aborted) abort();
    each.addEventListener('abort', abort, { once: true });
  }
  try {
    const response = await fetcher(input, { ...init, signal: request.signal });
    const { status, statusText, headers } = response;
    const body = await readBytes(response, { maxBytes: MAX_ANSWER, signal: request.signal });
    // Only an answer without a body may have these.
    return new Response([204, 205, 304].includes(status) ? null : body, { status, statusText, headers });
  } finally {
    for (const each of signals) each.removeEventListener('abort', abort);
  }
}

/** A client that reads the chain. It sends no request before the first read. */
export function connect(
  network: Pick<ChainNetwork, 'rpc' | 'chainId'>,
  options: ConnectOptions = {},
): PublicClient {
  return createPublicClient({
    chain: chainOf(network),
    transport: transportOf(network, options),
    pollingInterval: options.pollingInterval ?? 500,
    // Without a cache every read is of the newest block, which the clock depends on.
    cacheTime: 0,
  });
}
