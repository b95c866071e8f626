import { type Relay, startRelay } from '../../swarm/relay/relay.ts';
import { readIfThere, writeWhole } from '../home/files.ts';
import { secretFile } from '../home/key-file.ts';

interface Ports {
  readonly ws: number;
  readonly tcp: number;
}

/**
 * Starts a relay that keeps its key and its ports, and with them its whole address, in files: a tab that was
 * connected before a restart dials the address it knows. Ports that another program took meanwhile are
 * replaced by free ones. Rejects as `startRelay` does.
 */
export async function startKeptRelay(options: {
  /** Path of the file with the key. */
  readonly key: string;
  /** Path of the file with the ports. */
  readonly ports: string;
  /** Ids of the networks whose messages the relay passes on. */
  readonly networks: readonly string[];
}): Promise<Relay> {
  const { networks } = options;
  const privateKey = await secretFile(options.key);
  const kept = await keptPorts(options.ports);
  const relay =
    (kept && (await startRelay({ privateKey, networks, ports: kept }).catch(() => undefined))) ??
    (await startRelay({ privateKey, networks }));
  const ports: Ports = { ws: portIn(relay, /\/tcp\/(\d+)\/ws\//), tcp: portIn(relay, /\/tcp\/(\d+)\/p2p\//) };
  await writeWhole(options.ports, `${JSON.stringify(ports)}\n`);
  return relay;
}

function portIn({ addresses }: Relay, pattern: RegExp): number {
  for (const address of addresses) {
    const port = pattern.exec(address)?.[1];
    if (port !== undefined) return Number(port);
  }
  return 0;
}

/** Undefined when there are none, or the file is damaged. */
async function keptPorts(path: string): Promise<Ports | undefined> {
  const bytes = await readIfThere(path);
  if (bytes === undefined) return undefined;
  try {
    const { ws, tcp } = JSON.parse(new TextDecoder().decode(bytes)) as Readonly<Record<string, unknown>>;
    return isPort(ws) && isPort(tcp) ? { ws, tcp } : undefined;
  } catch {
    return undefined;
  }
}

function isPort(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) >= 0 && Number(value) <= 65_535;
}
