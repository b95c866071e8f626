/**
 * STUN and TURN servers that a network file names, with which devices behind routers find each other.
 * Sources: RFC 8445 (ICE), RFC 7064 and RFC 7065 (the addresses), and "A REST API For Access To TURN
 * Services" (draft-uberti-behave-turn-rest-00), whose credentials coturn checks with `use-auth-secret`.
 */
export type IceServer =
  | { readonly kind: 'stun'; readonly urls: readonly string[] }
  | { readonly kind: 'turn'; readonly urls: readonly string[]; readonly access: TurnAccess };

export type TurnAccess =
  | { readonly kind: 'fixed'; readonly username: string; readonly credential: string }
  /** Address that gives a user name and a password for some hours, over HTTP. */
  | { readonly kind: 'endpoint'; readonly url: string };

/** What the endpoint answers. */
export interface TurnCredentials {
  readonly username: string;
  readonly credential: string;
  /** Seconds that they hold from now on. */
  readonly ttl: number;
}

const MAX_SERVERS = 4;
const MAX_URLS = 4;
const MAX_URL = 200;
const MAX_SECRET = 256;
/** A day; longer ones would outlive the reason for them. */
const MAX_TTL_SECONDS = 86_400;

const HOST = '(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\\[[0-9A-Fa-f:.]+\\])(?::\\d{1,5})?';
const STUN = new RegExp(`^stuns?:${HOST}$`);
const TURN = new RegExp(`^turns?:${HOST}(?:\\?transport=(?:udp|tcp))?$`);

/**
 * Reads `iceServers` of a network file: at most 4 servers of at most 4 addresses, each server either STUN or
 * TURN. `unusable` makes the error for a field that is wrong.
 */
export function parseIceServers(value: unknown, unusable: (field: string) => Error): readonly IceServer[] {
  if (!Array.isArray(value) || value.length > MAX_SERVERS) throw unusable('iceServers');
  return value.map((entry: unknown, i): IceServer => {
    const field = `iceServers[${i}]`;
    if (typeof entry !== 'object' || entry === null) throw unusable(field);
    const { urls: given, username, credential, credentials } = entry as Readonly<Record<string, unknown>>;
    const urls = urlsOf(given);
    if (urls === undefined) throw unusable(`${field}.urls`);
    if (urls.every((url) => STUN.test(url))) return { kind: 'stun', urls };
    if (!urls.every((url) => TURN.test(url))) throw unusable(`${field}.urls`);
    if (credentials !== undefined) {
      if (!isHttpUrl(credentials)) throw unusable(`${field}.credentials`);
      return { kind: 'turn', urls, access: { kind: 'endpoint', url: credentials } };
    }
    if (!isSecret(username)) throw unusable(`${field}.username`);
    if (!isSecret(credential)) throw unusable(`${field}.credential`);
    return { kind: 'turn', urls, access: { kind: 'fixed', username, credential } };
  });
}

/** Checks what an endpoint answered; undefined when it is no such answer. */
export function parseTurnCredentials(value: unknown): TurnCredentials | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { username, credential, ttl } = value as Readonly<Record<string, unknown>>;
  if (!isSecret(username) || !isSecret(credential)) return undefined;
  if (typeof ttl !== 'number' || !Number.isInteger(ttl) || ttl < 1 || ttl > MAX_TTL_SECONDS) return undefined;
  return { username, credential, ttl };
}

function urlsOf(value: unknown): readonly string[] | undefined {
  const urls: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (urls.length === 0 || urls.length > MAX_URLS) return undefined;
  return urls.every((url): url is string => typeof url === 'string' && url.length <= MAX_URL)
    ? urls
    : undefined;
}

function isSecret(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= MAX_SECRET;
}

function isHttpUrl(value: unknown): value is string {
  if (typeof value !== 'string' || value.length > MAX_URL || !URL.canParse(value)) return false;
  return /^https?:$/.test(new URL(value).protocol);
}
