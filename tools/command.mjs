import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** The checkout's folder, with a trailing slash. */
export const root = fileURLToPath(new URL('..', import.meta.url));

/** A message for the person at the terminal; printed without a stack. */
export class UserError extends Error {
  name = 'UserError';
}

/**
 * Runs a program to its end and resolves with its exit code and output. Output is shown as it comes with `show`,
 * else kept, so that a step that works stays quiet. Rejects only when the program cannot be started.
 *
 * @param {string} program
 * @param {readonly string[]} argv
 * @param {{ cwd?: string, env?: Record<string, string | undefined>, show?: boolean, signal?: AbortSignal }} [options]
 * @returns {Promise<{ code: number, output: string }>}
 */
export function run(program, argv, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, argv, {
      cwd: options.cwd ?? root,
      env: { ...process.env, ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
      signal: options.signal,
    });
    const chunks = [];
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk) => {
        chunks.push(chunk);
        if (options.show) process.stdout.write(chunk);
      });
    child.on('error', reject);
    child.on('close', (code, signal) =>
      resolve({ code: code ?? (signal === null ? 1 : 128), output: Buffer.concat(chunks).toString() }),
    );
  });
}

/** Path of a file inside an installed package, for `node <path>`: npx costs more than a second and hides exit codes. */
export function inPackage(path) {
  return `${root}node_modules/${path}`;
}
