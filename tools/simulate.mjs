#!/usr/bin/env node
/**
 * `npm run simulate -- SUBJECT [flags]`: simulations of subjects that lie in different rooms. Each is a
 * program of its own, whose usage it prints itself.
 */
import { spawnSync } from 'node:child_process';
import { root } from './command.mjs';

const PROGRAMS = {
  identities: 'node/identities/cli.ts',
  skippipe: 'pipeline/cli/simulate.ts',
  swarm: 'swarm/scale/cli.ts',
};

const [subject = '', ...flags] = process.argv.slice(2);
const program = PROGRAMS[subject];
if (program === undefined) {
  console.error(`Usage: npm run simulate -- ${Object.keys(PROGRAMS).join('|')} [flags]`);
  process.exitCode = 2;
} else {
  // pipeline's program takes the subject as its first word, and swarm's does not.
  const words = subject === 'skippipe' ? [subject, ...flags] : flags;
  const { status } = spawnSync(process.execPath, [`${root}tools/run-ts.mjs`, program, ...words], {
    stdio: 'inherit',
  });
  process.exitCode = status ?? 1;
}
