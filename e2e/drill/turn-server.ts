import { spawn } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { ProgramError } from './run.ts';
import { TURN_SERVER } from './sites.ts';

/** What a team that runs a network puts on its server. */
const SETTINGS = new URL('../../node/serve/hosting/turnserver.conf', import.meta.url);
/** As there. */
const PORT = 3478;

export interface TurnServer {
  /** Addresses for `iceServers` of a network file. */
  readonly stun: string;
  readonly turn: readonly string[];
  stop(): Promise<void>;
}

/**
 * Starts coturn (https://github.com/coturn/coturn) with the settings that docs/deploy.md gives, at the
 * drill's address and with a secret of its own. `folder` gets its files. Rejects with ProgramError.
 */
export async function startTurnServer(o: {
  readonly secret: string;
  readonly folder: string;
  /** Told when the program ends before it is stopped. */
  readonly say: (line: string) => void;
}): Promise<TurnServer> {
  const settings = await readFile(SETTINGS, 'utf8');
  const file = join(o.folder, 'turnserver.conf');
  await writeFile(file, settings.replace(/^static-auth-secret=.*$/m, `static-auth-secret=${o.secret}`));
  const child = spawn(
    'turnserver',
    [
      ...['-c', file, '--listening-ip', TURN_SERVER, '--relay-ip', TURN_SERVER],
      ...['--userdb', join(o.folder, 'turn.db'), '--pidfile', join(o.folder, 'turn.pid')],
      ...['--log-file', join(o.folder, 'turn.log'), '--simple-log', '--no-stdout-log'],
    ],
    { stdio: 'ignore' },
  );
  let isStopped = false;
  const exited = new Promise<void>((resolve) => {
    child.once('exit', (code, signal) => {
      if (!isStopped) o.say(`The TURN server has ended by itself (${signal ?? `code ${code}`}).`);
      resolve();
    });
    child.once('error', () => resolve());
  });
  const stop = async (): Promise<void> => {
    isStopped = true;
    child.kill('SIGKILL');
    await exited;
  };
  for (let tries = 0; tries < 100; tries++) {
    if (child.exitCode !== null) break;
    if (await answers()) {
      const host = `${TURN_SERVER}:${PORT}`;
      const turn = [`turn:${host}?transport=udp`, `turn:${host}?transport=tcp`];
      return { stun: `stun:${host}`, turn, stop };
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  await stop();
  throw new ProgramError('turnserver did not start; run it by hand to see why');
}

function answers(): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(PORT, TURN_SERVER);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
