import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/**
 * Path of the native binary for this machine.
 * @param {'forge' | 'anvil' | 'cast'} tool
 * @returns {string | undefined} undefined when npm installed none for this platform.
 */
export function foundryBinary(tool) {
  const system = process.platform === 'win32' ? 'win32' : process.platform;
  const cpu = process.arch === 'x64' ? 'amd64' : process.arch;
  const name = process.platform === 'win32' ? `${tool}.exe` : tool;
  try {
    const manifest = createRequire(import.meta.url).resolve(
      `@foundry-rs/${tool}-${system}-${cpu}/package.json`,
    );
    const binary = join(dirname(manifest), 'bin', name);
    return existsSync(binary) ? binary : undefined;
  } catch {
    return undefined;
  }
}
