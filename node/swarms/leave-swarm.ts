import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { folderName } from '../../models/storage/directory.ts';
import type { Network } from '../../protocol/network-file.ts';
import { networkId } from '../../swarm/network-id.ts';
import { lockFolder } from '../home/folder-lock.ts';

export interface LeftSwarm {
  readonly swarm: number;
  /** Folder with this device's own checkpoint of the swarm; null when it never took part. */
  readonly checkpoints: string | null;
  /** Folders with what was fetched from others or kept for them, now gone. */
  readonly deleted: readonly string[];
}

/**
 * Ends a device's part in a swarm. Nobody has to be told: a member that attests no more is none. The device's
 * own last checkpoint stays where it is. Earlier ones, which it kept for others, are deleted, and so is what
 * was downloaded when the device takes part in no other swarm. Throws FolderInUseError while a volunteer
 * works in the home.
 */
export async function leaveSwarm(options: {
  readonly network: Network;
  /** Folder of the volunteer. */
  readonly home: string;
}): Promise<LeftSwarm> {
  const { network, home } = options;
  const { swarm, chainId, contracts } = network;
  const release = await lockFolder(home);
  try {
    const own = folderName(networkId(chainId, contracts.participation, swarm));
    const all: readonly string[] = await readdir(join(home, 'checkpoints')).catch(() => []);
    if (!all.includes(own)) return { swarm, checkpoints: null, deleted: [] };
    const deleted: string[] = [];
    const downloads = all.length === 1 ? [join(home, 'models'), join(home, 'data')] : [];
    // Earlier checkpoints were kept for other members.
    for (const folder of [join(home, 'checkpoints', own, 'kept'), ...downloads]) {
      if ((await stat(folder).catch(() => undefined)) === undefined) continue;
      await rm(folder, { recursive: true, force: true });
      deleted.push(folder);
    }
    return { swarm, checkpoints: join(home, 'checkpoints', own), deleted };
  } finally {
    await release();
  }
}
