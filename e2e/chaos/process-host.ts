import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { MemberHooks, RunningMember } from './member-host.ts';
import type { ChaosCommand, ChaosProcessSettings, ChaosReport } from './settings.ts';

const PROGRAM = fileURLToPath(new URL('./member.ts', import.meta.url));

/** Starts a member in a process of its own. */
export function startProcess(settings: ChaosProcessSettings, hooks: MemberHooks): RunningMember {
  const child = fork(PROGRAM, [JSON.stringify(settings)], { execArgv: process.execArgv });
  let isKilled = false;
  child.on('message', (message) => hooks.onReport(message as ChaosReport));
  const ended = new Promise<void>((resolve) => {
    child.once('exit', (code) => {
      if (!isKilled) hooks.onEnded(`code ${code}`);
      resolve();
    });
  });
  return {
    split(blocked) {
      if (child.connected) child.send({ kind: 'split', blocked } satisfies ChaosCommand);
    },
    async kill() {
      isKilled = true;
      child.kill('SIGKILL');
      await ended;
    },
  };
}
