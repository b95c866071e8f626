/**
 * The security headers of the page, for every server of it: `npm start`, `npm run dev`, `vite preview`. A
 * static host sends the same ones (node/site/host-files.ts). Sources: Content Security Policy Level 3,
 * Trusted Types, Permissions Policy (W3C), and https://web.dev/articles/coop-coep.
 */
import type { Network } from '../../protocol/network-file.ts';

/** What the server knows of the network that the page joins. */
export type KnownNetwork = Pick<
  Network,
  'rpc' | 'relays' | 'iceServers' | 'local' | 'walletConnectProjectId' | 'modelHosts'
>;

export interface PolicyOptions {
  /**
   * Whom the page may talk to. Null where there is no network file: the page may then load models only.
   * 'unknown' is for a page that is built before its network is known: any address.
   */
  readonly network: KnownNetwork | null | 'unknown';
  /** Whether the policy stands in the page itself, which cannot forbid frames. Defaults to false. */
  readonly inPage?: boolean;
  /**
   * Set by the dev server only. Its inline scripts carry this nonce, and its client writes HTML, so that
   * trusted types are not asked for.
   */
  readonly devNonce?: string;
}

/** Ports of this machine, where the parts of a local network and of a person's own model server listen. */
const THIS_MACHINE = ['127.0.0.1', 'localhost'].flatMap((host) => [`http://${host}:*`, `ws://${host}:*`]);

/** Where WalletConnect's own servers are, for a network whose file has a project id. */
const WALLET_CONNECT = ['org', 'com'].flatMap((end) => [
  `https://*.walletconnect.${end}`,
  `wss://*.walletconnect.${end}`,
]);

/** Features that the page never uses. A script that is smuggled in cannot ask for them either. */
const FEATURES_OFF = [
  ...['accelerometer', 'camera', 'display-capture', 'geolocation', 'gyroscope', 'hid', 'magnetometer'],
  ...['microphone', 'midi', 'payment', 'serial', 'usb', 'xr-spatial-tracking'],
];

/**
 * The Content-Security-Policy. Only this origin's scripts run, nothing is evaluated but wasm, nobody frames
 * the page, and it talks to this origin, to the chain, relays and model hosts of its network file, and to
 * nobody else. Images may be data URIs, because EIP-6963 wallets bring their icons so.
 */
export function contentPolicy({ network, inPage = false, devNonce }: PolicyOptions): string {
  const nonce = devNonce === undefined ? [] : [`'nonce-${devNonce}'`];
  const directives: Readonly<Record<string, readonly string[]>> = {
    'default-src': ["'self'"],
    'script-src': ["'self'", "'wasm-unsafe-eval'", ...nonce],
    'style-src': ["'self'", "'unsafe-inline'"],
    'img-src': ["'self'", 'data:'],
    'font-src': ["'self'"],
    'worker-src': ["'self'"],
    'connect-src': ["'self'", ...(network === 'unknown' ? ANYWHERE : partnersOf(network))],
    'frame-src': ["'none'"],
    'object-src': ["'none'"],
    'base-uri': ["'none'"],
    'form-action': ["'none'"],
    ...(inPage ? {} : { 'frame-ancestors': ["'none'"] }),
    // Only `trustOwnScripts` makes trusted types, and only from addresses of this origin.
    ...(devNonce === undefined
      ? { 'require-trusted-types-for': ["'script'"], 'trusted-types': ['default'] }
      : {}),
  };
  return Object.entries(directives)
    .map(([name, sources]) => [name, ...sources].join(' '))
    .join('; ');
}

/** Every security header of the page's files. Workers take the policy from the answer to their own script. */
export function pageHeaders(options: PolicyOptions): Readonly<Record<string, string>> {
  return {
    'Content-Security-Policy': contentPolicy(options),
    'X-Frame-Options': 'DENY',
    'X-Content-Type-Options': 'nosniff',
    'Referrer-Policy': 'no-referrer',
    // Both together make the page cross-origin isolated, which SharedArrayBuffer asks for: the threads of the
    // wasm engine.
    'Cross-Origin-Opener-Policy': 'same-origin',
    'Cross-Origin-Embedder-Policy': 'require-corp',
    'Cross-Origin-Resource-Policy': 'same-origin',
    'Permissions-Policy': FEATURES_OFF.map((feature) => `${feature}=()`).join(', '),
  };
}

const ANYWHERE = ['http:', 'https:', 'ws:', 'wss:'];

/** The origins that the page talks to, each once. What cannot stand in a policy is left out. */
function partnersOf(network: KnownNetwork | null): readonly string[] {
  const partners = [
    ...(network === null
      ? []
      : [originOf(network.rpc), ...network.relays.map(webSocketOf), ...credentialsOf(network)]),
    ...(network === null || network.local ? THIS_MACHINE : []),
    ...(network?.walletConnectProjectId == null ? [] : WALLET_CONNECT),
    ...(network?.modelHosts ?? []),
  ];
  return [...new Set(partners.filter((source) => source !== undefined && SOURCE.test(source)))] as string[];
}

/** Where passwords of TURN servers come from. STUN and TURN themselves are beyond a page's policy. */
function credentialsOf({ iceServers }: KnownNetwork): readonly (string | undefined)[] {
  return iceServers.map((server) =>
    server.kind === 'turn' && server.access.kind === 'endpoint' ? originOf(server.access.url) : undefined,
  );
}

/**
 * A source of one host: nothing that ends a directive or a header. An IPv6 address is none, since policies
 * have no form for them.
 */
const SOURCE = /^(?:https?|wss?):\/\/(?:\*\.)?[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::(?:\d{1,5}|\*))?$/;

function originOf(url: string): string | undefined {
  return URL.canParse(url) ? new URL(url).origin : undefined;
}

/**
 * The address that a browser opens for a relay, such as `wss://relay.example:443` for
 * `/dns4/relay.example/tcp/443/wss/p2p/…`. Undefined for a relay without WebSocket.
 */
function webSocketOf(relay: string): string | undefined {
  const parts = /^\/(?:ip4|dns|dns4|dns6)\/([^/]+)\/tcp\/(\d{1,5})\/(.+)$/.exec(relay);
  if (parts === null) return undefined;
  const [, host = '', port = '', rest = ''] = parts;
  const protocols = rest.split('/');
  if (!protocols.includes('ws') && !protocols.includes('wss')) return undefined;
  const secure = protocols.includes('wss') || protocols.includes('tls');
  return `${secure ? 'wss' : 'ws'}://${host.toLowerCase()}:${port}`;
}
