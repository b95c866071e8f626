/** Packages that only this benchmark needs, installed the first time it runs. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/** The folder of this benchmark's own package.json. */
const PEERS = fileURLToPath(new URL('.', import.meta.url));
const PACKAGES = ['@tensorflow/tfjs-core', '@tensorflow/tfjs-backend-webgpu', '@jax-js/jax'];

/**
 * Installs the locked versions unless they are there. Throws with a sentence when the registry cannot be
 * reached.
 */
export async function installPeers(note: (message: string) => void): Promise<void> {
  if (PACKAGES.every((name) => existsSync(join(PEERS, 'node_modules', name)))) return;
  note('installing the peers (72 MB, once)');
  try {
    await promisify(execFile)('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: PEERS });
  } catch (cause) {
    throw new Error('the peers could not be installed; run npm ci in bench/peers where there is a network', {
      cause,
    });
  }
}

/** The installed jax-js's version, which it does not say itself. */
export async function jaxVersion(): Promise<string> {
  const file = join(PEERS, 'node_modules/@jax-js/jax/package.json');
  const json = JSON.parse(await readFile(file, 'utf8')) as { readonly version?: unknown };
  return typeof json.version === 'string' ? json.version : '';
}
