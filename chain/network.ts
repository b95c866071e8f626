import { type Address, type Chain, createPublicClient, defineChain, http, type PublicClient } from 'viem';
import type { RollupContracts } from '../protocol/rollup.ts';

/** Where a deployment is. */
export interface ChainNetwork {
  /** JSON-RPC over HTTP. */
  readonly rpc: string;
  readonly chainId: number;
  readonly contracts: { readonly identity: Address; readonly participation: Address };
  /** Paid and disputed training; absent where a network has none. */
  readonly rollup?: RollupContracts | undefined;
}

export interface ConnectOptions {
  readonly fetch?: typeof fetch;
  /** Aborts every request, begun or to come. */
  readonly signal?: AbortSignal;
  /** How often viem asks for a receipt while it waits for one, in ms. */
  readonly pollingInterval?: number;
  /** How long one request may take, in ms. */
  readonly timeout?: number;
}

/** The chain as viem wants it described. */
export function chainOf(network: Pick<ChainNetwork, 'rpc' | 'chainId'>): Chain {
  return defineChain({
    id: network.chainId,
    name: `Chain ${network.chainId}`,
    nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 },
    rpcUrls: { default: { http: [network.rpc] } },
  });
}

/** HTTP transport whose requests end with `signal`. It retries nothing: callers here poll and come back anyway. */
export function transportOf(network: Pick<ChainNetwork, 'rpc'>, options: ConnectOptions = {}) {
  const { fetch: fetcher = fetch, signal, timeout = 10_000 } = options;
  return http(network.rpc, {
    retryCount: 0,
    timeout,
    fetchFn: (input, init) => fetchUntil(fetcher, input, init ?? {}, signal),
  });
}

/**
 * `fetch` that a second, long-lived signal ends too. Not AbortSignal.any: a signal that lives as long as the page would collect
 * an entry for each request there. Answers of JSON-RPC are small, so the body is read before the listeners go.
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
    return new Response(await response.arrayBuffer(), { status, statusText, headers });
  } finally {
    for (const each of signals) each.removeEventListener('abort', abort);
  }
}

/** A client that reads the chain. Nothing is asked of the node before the first read. */
export function connect(
  network: Pick<ChainNetwork, 'rpc' | 'chainId'>,
  options: ConnectOptions = {},
): PublicClient {
  return createPublicClient({
    chain: chainOf(network),
    transport: transportOf(network, options),
    pollingInterval: options.pollingInterval ?? 500,
    // Two reads within half a second may be of different blocks, and the clock lives on the newest.
    cacheTime: 0,
  });
}
