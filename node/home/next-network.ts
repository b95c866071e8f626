import type { Network } from '../../protocol/network-file.ts';

/**
 * Reads a network file again and again until it names another deployment than `current`, and resolves with
 * that; with undefined when the signal fires first. A file that is absent or damaged meanwhile is read again.
 */
export async function nextNetwork(options: {
  readonly current: Network;
  readonly read: () => Promise<Network>;
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly signal: AbortSignal;
  /** Defaults to 3000. */
  readonly pollMs?: number;
}): Promise<Network | undefined> {
  const { current, read, sleep, signal, pollMs = 3000 } = options;
  while (!signal.aborted) {
    const found = await read().catch(() => undefined);
    if (found !== undefined && deploymentOf(found) !== deploymentOf(current)) return found;
    await sleep(pollMs, signal);
  }
  return undefined;
}

function deploymentOf({ rpc, chainId, contracts }: Network): string {
  return [rpc, chainId, contracts.identity, contracts.participation].join(' ').toLowerCase();
}
