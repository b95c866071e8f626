import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TurnCredentials } from '../../protocol/ice-servers.ts';
import { TokenBuckets } from '../../swarm/token-bucket.ts';

/** Whether the services do what they are for. */
export interface Health {
  /** What is broken; the answer is 503 where there is any. */
  readonly broken: readonly string[];
  /** What a person should look at; the answer stays 200. */
  readonly warnings: readonly string[];
}

export interface ServeHttpOptions {
  readonly host: string;
  /** 0 is any free port. */
  readonly port: number;
  readonly health: () => Health;
  /** In Prometheus's text format. */
  readonly metrics: () => Promise<string>;
  /** Makes credentials for a TURN server; undefined where there is none. */
  readonly turn: (() => TurnCredentials) | undefined;
  /** Origin of the page that may ask for credentials; undefined lets any page ask. */
  readonly origin: string | undefined;
  /** Whether a proxy of this machine says in X-Forwarded-For whom a request comes from. */
  readonly behindProxy: boolean;
  /** In ms. */
  readonly now: () => number;
}

export interface ServeHttp {
  readonly url: string;
  stop(): Promise<void>;
}

/** Credentials for one address: 30 at once, then one in 10 s. A peer asks once in half of their time. */
const CREDENTIALS_QUOTA = { perSecond: 0.1, burst: 30 };

/**
 * Answers /healthz, /metrics and /turn-credentials. Only the last is for the outside: a proxy passes on that
 * path and nothing else. Rejects when the port is taken.
 */
export async function startServeHttp(options: ServeHttpOptions): Promise<ServeHttp> {
  const { host, port, health, metrics, turn, origin, behindProxy, now } = options;
  const asked = new TokenBuckets(CREDENTIALS_QUOTA, now);

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.setHeader('X-Content-Type-Options', 'nosniff');
    response.setHeader('Cache-Control', 'no-store');
    if (request.method !== 'GET' && request.method !== 'HEAD') return say(response, 405, 'Ask with GET.');
    const [path] = (request.url ?? '/').split('?');
    switch (path) {
      case '/healthz': {
        const found = health();
        response.setHeader('Content-Type', 'application/json');
        response.statusCode = found.broken.length === 0 ? 200 : 503;
        response.end(JSON.stringify({ status: found.broken.length === 0 ? 'ok' : 'broken', ...found }));
        return;
      }
      case '/metrics':
        response.setHeader('Content-Type', 'text/plain; version=0.0.4; charset=utf-8');
        response.end(await metrics());
        return;
      case '/turn-credentials': {
        if (turn === undefined) return say(response, 404, 'This service has no TURN server.');
        response.setHeader('Access-Control-Allow-Origin', origin ?? '*');
        response.setHeader('Vary', 'Origin');
        if (asked.take(addressOf(request, behindProxy)) !== 'taken')
          return say(response, 429, 'Ask again in ten seconds.');
        response.setHeader('Content-Type', 'application/json');
        response.end(JSON.stringify(turn()));
        return;
      }
      default:
        say(response, 404, 'There is /healthz, /metrics and /turn-credentials.');
    }
  }

  const server = createServer({ maxHeaderSize: 8192, requestTimeout: 10_000 }, (request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => resolve());
  });
  const address = server.address() as AddressInfo;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${address.port}`,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** The last entry is the proxy's own word; those before it are the client's. */
function addressOf(request: IncomingMessage, behindProxy: boolean): string {
  const forwarded = String(request.headers['x-forwarded-for'] ?? '')
    .split(',')
    .at(-1)
    ?.trim();
  if (behindProxy && forwarded !== undefined && forwarded !== '') return forwarded.slice(0, 64);
  return request.socket.remoteAddress ?? '';
}

function say(response: ServerResponse, status: number, sentence: string): void {
  response.statusCode = status;
  response.setHeader('Content-Type', 'text/plain; charset=utf-8');
  response.end(sentence);
}
