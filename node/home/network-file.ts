import { readFile } from 'node:fs/promises';
import {
  fetchNetwork,
  type Network,
  NetworkFileError,
  parseNetworkText,
} from '../../protocol/network-file.ts';

/** How long the server of a network file may take to answer, in milliseconds. */
const FETCH_TIMEOUT_MS = 10_000;

/** Reads a network file from a path or an http(s) URL. Throws NetworkFileError. */
export async function readNetworkFile(where: string): Promise<Network> {
  if (/^https?:/.test(where)) return fetchNetwork(where, { signal: AbortSignal.timeout(FETCH_TIMEOUT_MS) });
  let text: string;
  try {
    text = await readFile(where, 'utf8');
  } catch (error) {
    throw new NetworkFileError(
      `There is no network at ${where}. Start one with npm start, or name another with --network.`,
      { cause: error },
    );
  }
  return parseNetworkText(text);
}
