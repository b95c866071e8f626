import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { build } from '../build.mjs';
import { killGroup, root, UserError } from '../command.mjs';
import { ensurePackages } from '../packages.mjs';
import { HELP, parseFlags } from './flags.mjs';
import { claim } from './instance.mjs';
import { watchKernels } from './watch.mjs';

/** How long the network may take to stop by itself before what is left of it is killed. */
const GRACE_MS = 10_000;

/** `npm start`: installs, builds, and keeps the local network running until it is told to stop. */
export async function start(argv) {
  let release = () => {};
  try {
    const flags = parseFlags(argv);
    if (flags.help) {
      console.log(HELP);
      return;
    }
    const home = resolve(root, process.env.STARLING_HOME ?? '.starling');
    release = claim(home);
    process.on('exit', release);
    // Until the network runs there is nothing to stop but a build step, which dies with us.
    const cancel = (signal) => process.exit(signal === 'SIGINT' ? 130 : 143);
    const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
    for (const signal of signals) process.on(signal, cancel);

    console.log('Starling');
    const packages = await ensurePackages();
    console.log(`  packages: ${packages}`);
    const report = (line) => console.log(`  ${line}`);
    // The dev server makes the page from its sources.
    const parts = flags.dev ? ['kernels', 'contracts'] : undefined;
    if (flags.build) await build({ only: parts, report });

    for (const signal of signals) process.off(signal, cancel);
    const unwatch = flags.dev ? watchKernels(report) : () => {};
    process.exitCode = await runNetwork(home, flags, signals);
    unwatch();
  } catch (error) {
    console.error(error instanceof UserError ? `\n${error.message}` : error);
    process.exitCode = 1;
  } finally {
    release();
  }
}

/**
 * Runs node/devnet.ts in a process group of its own: Ctrl-C reaches only this process, which then stops the
 * network in order, and whatever is left of the group after the grace period is killed, so that nothing stays
 * behind. The channel between the two closes when this process dies for any reason; the network then stops by
 * itself.
 */
function runNetwork(home, flags, signals) {
  const child = spawn(
    process.execPath,
    [
      '--import',
      'tsx',
      `${root}node/devnet.ts`,
      '--home',
      home,
      '--volunteers',
      String(flags.volunteers),
      '--round',
      String(flags.roundSeconds),
      '--port',
      String(flags.port),
      ...(flags.dev ? ['--dev'] : []),
    ],
    { cwd: root, stdio: ['ignore', 'inherit', 'inherit', 'ipc'], detached: true },
  );
  let stopping = false;
  let killer;
  const kill = () => killGroup(child.pid, 'SIGKILL');
  const stop = () => {
    // A second Ctrl-C means now.
    if (stopping) return kill();
    stopping = true;
    console.log('\nStopping ...');
    child.kill('SIGTERM');
    killer = setTimeout(kill, GRACE_MS);
  };
  for (const signal of signals) process.on(signal, stop);
  process.on('exit', kill);

  return new Promise((resolve) => {
    child.on('error', (error) => {
      console.error(error);
      resolve(1);
    });
    child.on('exit', (code, signal) => {
      clearTimeout(killer);
      kill();
      process.off('exit', kill);
      for (const name of signals) process.off(name, stop);
      if (stopping) {
        console.log('Stopped.');
        resolve(0);
        return;
      }
      console.error(`\nThe network ended by itself (${signal ?? `code ${code}`}); see the lines above.`);
      resolve(code === 0 ? 1 : (code ?? 1));
    });
  });
}
