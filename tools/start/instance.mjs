import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isAlive } from '../build.mjs';
import { UserError } from '../command.mjs';

/**
 * Marks this process as the one network of a state folder and returns how to give that up. Throws UserError,
 * naming the page of the other one, when a network already runs there.
 */
export function claim(home) {
  mkdirSync(home, { recursive: true });
  const path = join(home, 'start.pid');
  for (;;) {
    try {
      writeFileSync(path, `${process.pid}\n`, { flag: 'wx' });
      return () => rmSync(path, { force: true });
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    const pid = Number(readOr(path)?.trim());
    if (isAlive(pid) && isStart(pid)) {
      const page = pageOf(join(home, 'devnet.json'));
      throw new UserError(
        `Starling already runs here (process ${pid})${page === undefined ? '' : `: ${page}`}\n` +
          'Stop it first with Ctrl-C, or set STARLING_HOME to another folder for a second network.',
      );
    }
    // Left by a process that was killed.
    rmSync(path, { force: true });
  }
}

/**
 * A number may have gone to an unrelated program since; where the system tells, its command line settles it.
 */
function isStart(pid) {
  if (pid === process.pid) return false;
  const line = readOr(`/proc/${pid}/cmdline`);
  return line === undefined || line.includes('start.mjs');
}

function pageOf(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8')).page;
  } catch {
    return undefined;
  }
}

function readOr(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
