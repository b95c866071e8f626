import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** The checkout's folder, with a trailing slash. */
export const root = fileURLToPath(new URL('..', import.meta.url));

/** A message for the person at the terminal; printed without a stack. */
export class UserError extends Error {
  name = 'UserError';
}

/**
 * Runs a program to its end and resolves with its exit code and output. Output is shown as it comes with
 * `show`, else kept, so that a step that works stays quiet. The program has a process group of its own, which
 * is killed as a whole after `limitMs` (code 124) and when this process exits. Rejects only when the program
 * cannot be started.
 *
 * @param {string} program
 * @param {readonly string[]} argv
 * @param {{ cwd?: string, env?: Record<string, string | undefined>, show?: boolean, limitMs?: number }}
 *   [options]
 * @returns {Promise<{ code: number, output: string }>}
 */
export function run(program, argv, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, argv, {
      cwd: options.cwd ?? root,
      env: { ...process.env, ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    const chunks = [];
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk) => {
        chunks.push(chunk);
        if (options.show) process.stdout.write(chunk);
      });
    let late = false;
    const kill = () => killGroup(child.pid, 'SIGKILL');
    const timer =
      options.limitMs === undefined
        ? undefined
        : setTimeout(() => {
            late = true;
            kill();
          }, options.limitMs);
    process.on('exit', kill);
    const finish = () => {
      clearTimeout(timer);
      process.off('exit', kill);
    };
    child.on('error', (error) => {
      finish();
      reject(error);
    });
    child.on('close', (code) => {
      finish();
      resolve({ code: late ? 124 : (code ?? 1), output: Buffer.concat(chunks).toString() });
    });
  });
}

/** Signals every process of a group; an empty group is no error. */
export function killGroup(leader, signal) {
  if (leader === undefined) return;
  try {
    process.kill(-leader, signal);
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
  }
}

/**
 * Path of a file inside an installed package, for `node <path>`: npx costs more than a second and hides exit
 * codes.
 */
export function inPackage(path) {
  return `${root}node_modules/${path}`;
}
