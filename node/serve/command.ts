import { readFile } from 'node:fs/promises';
import { privateKeyToAccount } from 'viem/accounts';
import { connect } from '../../chain/network.ts';
import { toHex } from '../../protocol/hex.ts';
import { parseNetwork, parseNetworkText } from '../../protocol/network-file.ts';
import { aborted } from '../home/command-line.ts';
import { writeWhole } from '../home/files.ts';
import { secretFile } from '../home/key-file.ts';
import { readNetworkFile } from '../home/network-file.ts';
import { whatIsMissing } from './missing.ts';
import { relayAddressesOf, startServices } from './services.ts';
import { HELP, parseServeSettings } from './settings.ts';

export interface ServeCommandOptions {
  /** What follows the name of the program. */
  readonly argv: readonly string[];
  readonly print: (line: string) => void;
  readonly signal: AbortSignal;
}

/**
 * Runs `npm run serve` until the signal. Resolves with the exit code: 1 where `--dry-run` finds something
 * missing. Throws UsageError, NetworkFileError, KeyFileError and ChainError, each with its remedy.
 */
export async function runServeCommand(options: ServeCommandOptions): Promise<number> {
  const { argv, print, signal } = options;
  const settings = await parseServeSettings(argv);
  if (settings === undefined) {
    print(HELP);
    return 0;
  }
  const { networkFile } = settings;
  const relayAddresses = await relayAddressesOf(settings);
  if (settings.write) await writeRelays(networkFile, relayAddresses);
  const network = await readNetworkFile(networkFile);
  const account = privateKeyToAccount(toHex(await secretFile(settings.submitterKeyFile))).address;
  const client = connect(network, { signal });
  const { missing, advice } = await whatIsMissing({ settings, network, client, account, relayAddresses });
  for (const sentence of missing) print(`Missing: ${sentence}`);
  for (const sentence of advice) print(`Note: ${sentence}`);
  if (settings.dryRun) {
    if (missing.length === 0) print('Nothing is missing.');
    return missing.length === 0 ? 0 : 1;
  }
  const services = await startServices({ settings, network, say: print, signal });
  try {
    for (const address of services.relays) print(`Relay: ${address}`);
    print(`Ready: ${services.http}/healthz and /metrics. The submitter pays from ${account}.`);
    await aborted(signal);
  } finally {
    await services.stop();
  }
  return 0;
}

/** Puts this relay's addresses into a network file, in the place of those that it had before. */
async function writeRelays(path: string, addresses: readonly string[]): Promise<void> {
  const text = await readFile(path, 'utf8');
  const { relays } = parseNetworkText(text);
  const peerIds = new Set(addresses.map((address) => address.split('/p2p/').at(-1)));
  const others = relays.filter((address) => !peerIds.has(address.split('/p2p/').at(-1)));
  const file = { ...(JSON.parse(text) as object), relays: [...others, ...addresses] };
  parseNetwork(file);
  await writeWhole(path, `${JSON.stringify(file, null, 2)}\n`);
}
