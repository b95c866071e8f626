import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseGwei } from 'viem';
import { parseCommandLine, UsageError, wholeNumber } from '../home/command-line.ts';
import type { SubmitterBudget } from './observer.ts';

export const HELP = `npm run serve -- NETWORK.JSON [options]

  --home DIR            keys, archive and state (default .starling/serve)
  --dry-run             says what is missing, and starts nothing
  --write               puts this relay's public addresses into the network file

  --announce ADDRESS    how the outside reaches the relay, such as /dns4/relay.example.org/tcp/443/wss; may repeat
  --host ADDRESS        where the relay listens (default 0.0.0.0)
  --ws-port N           its port for WebSocket (default 9001)
  --tcp-port N          its port for Node members (default 9002)
  --behind-proxy        a proxy of this machine stands before it
  --certificate FILE    with --certificate-key: TLS on the WebSocket port, without a proxy

  --gas-per-day N       what the submitter pays for others in 24 hours (default 200000000)
  --gas-per-round N     and in a round (default 8000000)
  --gas-per-identity N  of a day, for one owner or one device without owner (default 5000000)
  --max-fee GWEI        the most it pays for a unit of gas (default what the chain asks)
  --swarms N            swarms that are archived and posted for: the network's and those opened after it (default 1)
  --disk-gigabytes N    what the archives may take together (default 20)

  --http-host ADDRESS   where /healthz, /metrics and /turn-credentials are (default 127.0.0.1)
  --http-port N         and their port (default 9464)
  --turn-secret-file F  coturn's static-auth-secret, for /turn-credentials
  --turn-ttl S          how long such credentials hold (default 3600)`;

/** Bytes of a gigabyte of disk. */
const GIB = 1024 ** 3;

export interface ServeSettings {
  /** Path of the network file. */
  readonly networkFile: string;
  readonly home: string;
  readonly dryRun: boolean;
  readonly write: boolean;
  readonly relay: {
    readonly keyFile: string;
    readonly host: string;
    readonly ports: { readonly ws: number; readonly tcp: number };
    /** Multiaddrs without the peer's id. */
    readonly announce: readonly string[];
    readonly behindProxy: boolean;
    readonly certificate: { readonly cert: string; readonly key: string } | undefined;
  };
  readonly submitterKeyFile: string;
  /** Of all swarms together. */
  readonly budget: SubmitterBudget;
  /** In wei; undefined for whatever the chain asks. */
  readonly maxFeePerGas: bigint | undefined;
  readonly swarms: number;
  /** Of all archives together. */
  readonly diskBytes: number;
  readonly http: { readonly host: string; readonly port: number };
  readonly turn: { readonly secret: string; readonly ttl: number } | undefined;
}

/** Reads the command line of `npm run serve`. Throws UsageError; undefined asks for help. */
export async function parseServeSettings(argv: readonly string[]): Promise<ServeSettings | undefined> {
  const { values, positionals } = parseCommandLine(
    {
      args: [...argv],
      allowPositionals: true,
      options: {
        home: { type: 'string', default: '.starling/serve' },
        'dry-run': { type: 'boolean', default: false },
        write: { type: 'boolean', default: false },
        announce: { type: 'string', multiple: true, default: [] },
        host: { type: 'string', default: '0.0.0.0' },
        'ws-port': { type: 'string', default: '9001' },
        'tcp-port': { type: 'string', default: '9002' },
        'behind-proxy': { type: 'boolean', default: false },
        certificate: { type: 'string' },
        'certificate-key': { type: 'string' },
        'gas-per-day': { type: 'string', default: '200000000' },
        'gas-per-round': { type: 'string', default: '8000000' },
        'gas-per-identity': { type: 'string', default: '5000000' },
        'max-fee': { type: 'string' },
        swarms: { type: 'string', default: '1' },
        'disk-gigabytes': { type: 'string', default: '20' },
        'http-host': { type: 'string', default: '127.0.0.1' },
        'http-port': { type: 'string', default: '9464' },
        'turn-secret-file': { type: 'string' },
        'turn-ttl': { type: 'string', default: '3600' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    },
    HELP,
  );
  if (values.help) return undefined;
  const [networkFile] = positionals;
  if (networkFile === undefined || positionals.length > 1) throw new UsageError(HELP);
  for (const address of values.announce)
    if (!/^\/(?:ip4|ip6|dns|dns4|dns6)\/[^/\s]+\/tcp\/\d{1,5}(?:\/[a-z0-9/-]+)?$/.test(address))
      throw new UsageError(
        `--announce takes an address such as /dns4/relay.example.org/tcp/443/wss, not "${address}".`,
      );
  if ((values.certificate === undefined) !== (values['certificate-key'] === undefined))
    throw new UsageError('--certificate and --certificate-key belong together.');
  if (values['max-fee'] !== undefined && !/^\d+(?:\.\d{1,9})?$/.test(values['max-fee']))
    throw new UsageError(`--max-fee takes an amount in gwei, not "${values['max-fee']}".`);
  const home = resolve(values.home);
  const number = (flag: keyof typeof values & string, least: number, most: number): number =>
    wholeNumber(`--${flag}`, String(values[flag]), least, most);
  const secret = await textOf('--turn-secret-file', values['turn-secret-file']);
  const cert = await textOf('--certificate', values.certificate);
  const key = await textOf('--certificate-key', values['certificate-key']);
  return {
    networkFile: resolve(networkFile),
    home,
    dryRun: values['dry-run'],
    write: values.write,
    relay: {
      keyFile: join(home, 'relay.key'),
      host: values.host,
      ports: { ws: number('ws-port', 0, 65_535), tcp: number('tcp-port', 0, 65_535) },
      announce: values.announce,
      behindProxy: values['behind-proxy'],
      certificate: cert === undefined || key === undefined ? undefined : { cert, key },
    },
    submitterKeyFile: join(home, 'submitter.key'),
    budget: {
      gasPerDay: number('gas-per-day', 0, 1e12),
      gasPerRound: number('gas-per-round', 0, 1e10),
      gasPerAccount: number('gas-per-identity', 0, 1e12),
    },
    maxFeePerGas: values['max-fee'] === undefined ? undefined : parseGwei(values['max-fee']),
    swarms: number('swarms', 1, 16),
    diskBytes: number('disk-gigabytes', 1, 1_000_000) * GIB,
    http: { host: values['http-host'], port: number('http-port', 0, 65_535) },
    turn: secret === undefined ? undefined : { secret: secret.trim(), ttl: number('turn-ttl', 60, 86_400) },
  };
}

async function textOf(flag: string, path: string | undefined): Promise<string | undefined> {
  if (path === undefined) return undefined;
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new UsageError(`${flag}: ${path} cannot be read.`, { cause });
  });
  if (text.trim() === '') throw new UsageError(`${flag}: ${path} is empty.`);
  return text;
}
