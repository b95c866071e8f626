import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { messageOf } from '../../protocol/message-of.ts';
import { readBytes } from '../../protocol/response-body.ts';

export interface RpcGuardOptions {
  /** The node's own address, which only processes of this machine's network know. */
  readonly upstream: string;
  /** The first port to try; if it is busy, the next ones. 0 is any free port. */
  readonly port: number;
  /** Origins of pages that may ask, such as `http://localhost:5173`. */
  readonly origins: readonly string[];
  /** IPv4 address to listen on. Defaults to 127.0.0.1, which is also asked for as localhost. */
  readonly host?: string;
}

export interface RpcGuard {
  /** The address for network.json. */
  readonly url: string;
  stop(): Promise<void>;
}

/**
 * What the page, its wallets and volunteers ask of a node. Nothing here changes the chain but a transaction;
 * the development node's own commands (`anvil_*`, `evm_*`, `hardhat_*`, `debug_*`) are not among them.
 */
const METHODS: ReadonlySet<string> = new Set([
  'eth_accounts',
  'eth_blockNumber',
  'eth_call',
  'eth_chainId',
  'eth_createAccessList',
  'eth_estimateGas',
  'eth_feeHistory',
  'eth_gasPrice',
  'eth_getBalance',
  'eth_getBlockByHash',
  'eth_getBlockByNumber',
  'eth_getCode',
  'eth_getLogs',
  'eth_getStorageAt',
  'eth_getTransactionByHash',
  'eth_getTransactionCount',
  'eth_getTransactionReceipt',
  'eth_maxPriorityFeePerGas',
  'eth_sendRawTransaction',
  // The development wallet's, whose accounts the node holds.
  'eth_sendTransaction',
  'eth_signTypedData_v4',
  'net_version',
  'web3_clientVersion',
]);

const MAX_BODY = 2 * 1024 * 1024;
const MAX_BATCH = 100;
const MAX_ANSWER = 64 * 1024 * 1024;
const PORTS_TRIED = 100;

/** JSON-RPC's code for a method that does not exist. */
const NO_METHOD = -32_601;

/**
 * Stands before a development node. It answers only under this machine's name (a `Host` of another name comes
 * from a page that rebinds DNS), and only pages of the given origins and programs without an origin. Only the
 * methods above are passed on. Rejects when no port is free.
 */
export async function startRpcGuard(options: RpcGuardOptions): Promise<RpcGuard> {
  const { upstream, origins, host = '127.0.0.1' } = options;
  let hosts: ReadonlySet<string> = new Set();
  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      if (!response.headersSent) refuse(response, 502, `The node does not answer: ${messageOf(error)}`);
      else response.destroy();
    });
  });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // Nothing that is answered here is a page, whatever a request puts into it.
    response.setHeader('X-Content-Type-Options', 'nosniff');
    response.setHeader('Content-Security-Policy', "default-src 'none'; frame-ancestors 'none'");
    const { host: asked = '', origin } = request.headers;
    if (!hosts.has(asked)) return refuse(response, 403, 'Ask this machine by its own name.');
    if (origin !== undefined) {
      if (!origins.includes(origin)) return refuse(response, 403, 'Only the page of this network may ask.');
      response.setHeader('Access-Control-Allow-Origin', origin);
      response.setHeader('Vary', 'Origin');
    }
    if (request.method === 'OPTIONS') {
      response.setHeader('Access-Control-Allow-Methods', 'POST');
      response.setHeader('Access-Control-Allow-Headers', 'Content-Type');
      response.setHeader('Access-Control-Allow-Private-Network', 'true');
      response.statusCode = 204;
      response.end();
      return;
    }
    if (request.method !== 'POST') return refuse(response, 405, 'Ask with POST.');
    // Other types need no preflight, so a stranger's page could send them.
    if (!/^application\/json\b/i.test(request.headers['content-type'] ?? ''))
      return refuse(response, 415, 'Ask with Content-Type application/json.');
    const body = await bodyOf(request);
    if (body === undefined) return refuse(response, 413, `A request has at most ${MAX_BODY} bytes.`);
    const checked = checkedCalls(body);
    response.setHeader('Content-Type', 'application/json');
    if (checked.kind === 'refused') {
      response.end(JSON.stringify(checked.answer));
      return;
    }
    const given = await fetch(upstream, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: checked.body,
    });
    const answered = await readBytes(given, { maxBytes: MAX_ANSWER });
    response.statusCode = given.status;
    response.end(answered);
  }

  for (let tried = 0; tried < PORTS_TRIED; tried++) {
    const port = await listen(server, host, options.port === 0 ? 0 : options.port + tried);
    if (port === undefined) continue;
    hosts = new Set([`${host}:${port}`, ...(host === '127.0.0.1' ? [`localhost:${port}`] : [])]);
    return {
      url: `http://${host}:${port}`,
      stop: () =>
        new Promise((resolve) => {
          server.close(() => resolve());
          server.closeAllConnections();
        }),
    };
  }
  throw new Error(`No port is free between ${options.port} and ${options.port + PORTS_TRIED - 1}.`);
}

type Checked =
  | { readonly kind: 'refused'; readonly answer: object }
  /** The calls that were checked, written anew: another reader could understand the request otherwise. */
  | { readonly kind: 'passed'; readonly body: string };

/** Whether a request may pass, and what is wrong with it otherwise, as its answer. */
function checkedCalls(body: string): Checked {
  const failed = (id: unknown, code: number, message: string): Checked => ({
    kind: 'refused',
    answer: { jsonrpc: '2.0', id: id ?? null, error: { code, message } },
  });
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch {
    return failed(null, -32_700, 'The request is not JSON.');
  }
  const calls: readonly unknown[] = Array.isArray(json) ? json : [json];
  const passed: object[] = [];
  if (calls.length === 0 || calls.length > MAX_BATCH)
    return failed(null, -32_600, `A batch has 1 to ${MAX_BATCH} requests.`);
  for (const call of calls) {
    const { jsonrpc, id, method, params } = (call ?? {}) as Readonly<Record<string, unknown>>;
    if (typeof method !== 'string') return failed(id, -32_600, 'A request has a method, which is text.');
    if (!METHODS.has(method)) return failed(id, NO_METHOD, `${method.slice(0, 64)} is not available here.`);
    // No other key: a reader that takes `Method` for `method` would find another call than was checked.
    passed.push({ jsonrpc, id, method, params });
  }
  return { kind: 'passed', body: JSON.stringify(Array.isArray(json) ? passed : passed[0]) };
}

/** The body as text; undefined when it is too long. */
async function bodyOf(request: IncomingMessage): Promise<string | undefined> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    bytes += part.length;
    if (bytes > MAX_BODY) return undefined;
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}

function refuse(response: ServerResponse, status: number, sentence: string): void {
  response.statusCode = status;
  response.setHeader('Content-Type', 'text/plain; charset=utf-8');
  response.end(sentence);
}

/** The port that the server listens on; undefined when that one is busy. */
function listen(
  server: ReturnType<typeof createServer>,
  host: string,
  port: number,
): Promise<number | undefined> {
  return new Promise((resolve) => {
    const busy = (): void => resolve(undefined);
    server.once('error', busy);
    server.listen(port, host, () => {
      server.off('error', busy);
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : undefined);
    });
  });
}
