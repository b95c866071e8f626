import { spawn, spawnSync } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { runInSandbox, whyNoSandbox } from './sandbox.ts';

const reason = whyNoSandbox();

/** Command lines of all processes of this machine. */
async function commandLines(): Promise<readonly string[]> {
  const numbers = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  return Promise.all(numbers.map((name) => readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '')));
}

describe.skipIf(reason !== undefined)(`a sandbox${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'starling-sandbox-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  /** A program that starts another one with a word of its own, makes a network, and waits for ever. */
  const program = (word: string) => [
    '-c',
    `ip link add ${word} type bridge; sleep 100000 && : ${word} & wait`,
  ];
  const isThere = async (word: string) => (await commandLines()).some((line) => line.includes(word));
  const links = () => spawnSync('ip', ['link'], { encoding: 'utf8' }).stdout;

  it('ends with its programs and networks at the signal, though they do not listen', async () => {
    const word = 'drill-signal';
    const stop = new AbortController();
    const argv = [...program(word)];
    const ended = runInSandbox({ program: 'sh', argv, folder, signal: stop.signal, graceMs: 100 });
    await vi.waitFor(async () => expect(await isThere(word)).toBe(true), { timeout: 60_000 });
    expect(links()).not.toContain(word);
    stop.abort();
    await ended;
    await vi.waitFor(async () => expect(await isThere(word)).toBe(false), { timeout: 60_000 });
  });

  it('has its program told when whoever started it is killed', async () => {
    const word = 'drill-killed';
    // As runProcess does, the program ends when the channel closes.
    const inner = `process.on('disconnect', () => process.exit()); setInterval(() => '${word}', 1000)`;
    const outer = `
      import { runInSandbox } from '${join(import.meta.dirname, 'sandbox.ts')}';
      const argv = ['-e', ${JSON.stringify(inner)}];
      await runInSandbox({ program: process.execPath, argv, folder: '/tmp', signal: new AbortController().signal });
    `;
    const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', outer], {
      stdio: 'inherit',
    });
    const inside = async () =>
      (await commandLines()).some((line) => line.startsWith(`unshare\0`) && line.includes(word));
    await vi.waitFor(async () => expect(await inside()).toBe(true), { timeout: 60_000 });
    child.kill('SIGKILL');
    await vi.waitFor(async () => expect(await isThere(word)).toBe(false), { timeout: 60_000 });
  });
});
