import { cp, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const repository = new URL('../../', import.meta.url);

/** A copy of the second implementation that lies outside the repository. */
export interface PeerFolder {
  /** The path of one of its programs. */
  program(name: string): string;
  remove(): Promise<void>;
}

/**
 * Copies the second implementation into a new folder that has the installed packages and nothing else of this
 * repository, so that an import of a file of ours would fail.
 */
export async function copyPeer(): Promise<PeerFolder> {
  const folder = await mkdtemp(join(tmpdir(), 'starling-interop-'));
  await cp(new URL('interop/peer', repository), join(folder, 'peer'), { recursive: true });
  await symlink(fileURLToPath(new URL('node_modules', repository)), join(folder, 'node_modules'));
  return {
    program: (name) => join(folder, 'peer', name),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
