import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'starling-run-ts-'));
});
afterEach(() => rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 }));

/** Starts a program of this text through tools/run-ts.mjs. */
async function start(text: string, ...argv: string[]) {
  const file = join(folder, 'program.mts');
  await writeFile(file, text);
  const child = spawn(process.execPath, ['tools/run-ts.mjs', file, ...argv], { cwd: root });
  const output = { stdout: '', stderr: '' };
  child.stdout.on('data', (data) => {
    output.stdout += data;
  });
  child.stderr.on('data', (data) => {
    output.stderr += data;
  });
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  return { child, output, ended };
}

describe('tools/run-ts.mjs', () => {
  it('runs TypeScript with its own arguments, and ends with its code', async () => {
    const { output, ended } = await start(
      'const argv: readonly string[] = process.argv.slice(2);\nconsole.log(JSON.stringify(argv));\nprocess.exitCode = 3;\n',
      '--json',
      'a b',
    );
    expect(await ended).toBe(3);
    // What was built, if anything, is told on stderr.
    expect(JSON.parse(output.stdout)).toEqual(['--json', 'a b']);
  });

  it('passes SIGTERM on, and lets the program end in its own way', async () => {
    const { child, output, ended } = await start(
      "process.on('SIGTERM', () => { console.log('bye'); process.exit(7); });\nsetInterval(() => {}, 1000);\nconsole.log('up');\n",
    );
    await vi.waitFor(() => expect(output.stdout).toContain('up'), { timeout: 60_000, interval: 50 });
    child.kill('SIGTERM');
    expect(await ended).toBe(7);
    expect(output.stdout).toContain('bye');
  });

  it('says which flag is wrong, without a stack', async () => {
    const { output, ended } = await start(
      "import { parseArgs } from 'node:util';\nconsole.log(parseArgs({ options: { seeds: { type: 'string' } } }).values.seeds);\n",
      '--sedes',
      '3',
    );
    expect(await ended).toBe(2);
    expect(output.stderr).toMatch(
      /^Unknown option '--sedes'.*\nThe first lines of .*program\.mts tell its flags\.\n$/,
    );
    expect(output.stdout).toBe('');
  });

  it('prints any other error that a program does not catch, and ends with 1', async () => {
    const { output, ended } = await start("throw new RangeError('Too many.');\n");
    expect(await ended).toBe(1);
    expect(output.stderr).toContain('RangeError: Too many.');
  });

  it('asks for a file', async () => {
    const child = spawn(process.execPath, ['tools/run-ts.mjs'], { cwd: root });
    let text = '';
    child.stderr.on('data', (data) => {
      text += data;
    });
    expect(await new Promise((resolve) => child.once('close', resolve))).toBe(1);
    expect(text).toContain('Name a file');
  });
});

describe('tools/build.mjs', () => {
  it('names the parts there are when it is asked for another', async () => {
    const child = spawn(process.execPath, ['tools/build.mjs', 'kernel'], { cwd: root });
    let text = '';
    child.stderr.on('data', (data) => {
      text += data;
    });
    expect(await new Promise((resolve) => child.once('close', resolve))).toBe(1);
    expect(text).toContain('There is no part "kernel" to build. Name any of: kernels, contracts, page.');
  });
});
