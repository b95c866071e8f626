import type { ChildProcess } from 'node:child_process';
import { systemScheduler, wait } from '../../swarm/scheduler.ts';

const STOP_MS = 10_000;

/** Ends processes of a drill, of whose exits nobody is told any more. Kills those that take over 10 s. */
export async function stopChildren(children: readonly ChildProcess[]): Promise<void> {
  for (const child of children) child.removeAllListeners('exit').kill('SIGTERM');
  const ended = children.map(
    (child) =>
      new Promise((resolve) => (child.exitCode === null ? child.once('exit', resolve) : resolve(null))),
  );
  await Promise.race([Promise.all(ended), wait(systemScheduler, STOP_MS)]);
  for (const child of children) child.kill('SIGKILL');
}
