import type { IceServer, TurnCredentials } from '../protocol/ice-servers.ts';
import { parseTurnCredentials } from '../protocol/ice-servers.ts';
import { readText } from '../protocol/response-body.ts';

/** How long an endpoint of credentials may take, in ms. A dial waits for it. */
const ANSWER_MS = 5000;
/** How long an endpoint that did not answer is left in peace, in ms. */
const RETRY_MS = 30_000;
/** Bytes of an answer that are read at most. */
const MAX_ANSWER = 4096;

export interface IceServersOptions {
  /** From the network file. */
  readonly servers: readonly IceServer[];
  /** Defaults to the global fetch. */
  readonly fetch?: typeof fetch;
  /** A clock in ms. Defaults to `performance.now`. */
  readonly now?: () => number;
}

interface Held {
  readonly credentials: TurnCredentials | undefined;
  /** When to ask again. */
  readonly until: number;
}

/**
 * The servers as the host's WebRTC takes them. That of Node (node-datachannel 0.33) writes names and
 * passwords into URLs as they are, where libdatachannel decodes them: a colon in a name, which time-limited
 * credentials have, would end it.
 */
export function iceServersOfHost(
  servers: readonly RTCIceServer[],
  isBrowser = typeof globalThis.RTCPeerConnection === 'function',
): RTCIceServer[] {
  return servers.map((server) => {
    const { username, credential } = server;
    if (isBrowser || username === undefined || credential === undefined) return server;
    const [name, password] = [username, credential].map(encodeURIComponent);
    return { ...server, username: name, credential: password } as RTCIceServer;
  });
}

/**
 * The STUN and TURN servers of a network as a browser takes them. Credentials of a TURN server are asked for
 * when they are first needed, kept for half their time, and left out while the endpoint does not answer: then
 * devices meet without that server, where their routers let them.
 */
export class IceServers {
  readonly #options: IceServersOptions;
  /** By endpoint: what it answered last. */
  readonly #held = new Map<string, Held>();
  /** By endpoint: the question under way, which several dials share. */
  readonly #asking = new Map<string, Promise<Held>>();

  constructor(options: IceServersOptions) {
    this.#options = options;
  }

  /** For the next connection. Never rejects. */
  async current(): Promise<RTCIceServer[]> {
    const servers = await Promise.all(this.#options.servers.map((server) => this.#resolve(server)));
    return servers.filter((server) => server !== undefined);
  }

  async #resolve(server: IceServer): Promise<RTCIceServer | undefined> {
    const urls = [...server.urls];
    if (server.kind === 'stun') return { urls };
    const { access } = server;
    if (access.kind === 'fixed') return { urls, username: access.username, credential: access.credential };
    const credentials = await this.#credentials(access.url);
    if (credentials === undefined) return undefined;
    return { urls, username: credentials.username, credential: credentials.credential };
  }

  async #credentials(url: string): Promise<TurnCredentials | undefined> {
    const { now = () => performance.now() } = this.#options;
    const held = this.#held.get(url);
    if (held !== undefined && now() < held.until) return held.credentials;
    const asking = this.#asking.get(url) ?? this.#ask(url, now);
    this.#asking.set(url, asking);
    const answer = await asking;
    this.#held.set(url, answer);
    this.#asking.delete(url);
    return answer.credentials;
  }

  async #ask(url: string, now: () => number): Promise<Held> {
    const credentials = await this.#fetch(url);
    return { credentials, until: now() + (credentials === undefined ? RETRY_MS : credentials.ttl * 500) };
  }

  async #fetch(url: string): Promise<TurnCredentials | undefined> {
    const { fetch: fetcher = fetch } = this.#options;
    const signal = AbortSignal.timeout(ANSWER_MS);
    try {
      const response = await fetcher(url, {
        ...{ cache: 'no-store', credentials: 'omit', redirect: 'error' },
        signal,
      } as const);
      if (!response.ok) return undefined;
      return parseTurnCredentials(JSON.parse(await readText(response, { maxBytes: MAX_ANSWER, signal })));
    } catch {
      return undefined;
    }
  }
}
