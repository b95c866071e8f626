/** Keeps the state of an arm in a file, so that a run that was killed goes on from there. */
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { deserialize, serialize } from 'node:v8';
import type { ArmState } from './arms.ts';

/** The state that is stored at `path` for these options. Undefined when there is none. */
export async function storedArm(path: string, options: unknown): Promise<ArmState | undefined> {
  try {
    const stored = deserialize(await readFile(path)) as { readonly key: string; readonly state: ArmState };
    return stored.key === JSON.stringify(options) ? stored.state : undefined;
  } catch {
    // There is none, or a crash left it unreadable: the arm begins again.
    return undefined;
  }
}

/** Replaces what is stored at `path`. */
export async function storeArm(path: string, options: unknown, state: ArmState): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(`${path}.new`, serialize({ key: JSON.stringify(options), state }));
  await rename(`${path}.new`, path);
}

export async function forgetArm(path: string): Promise<void> {
  await rm(path, { force: true });
}
