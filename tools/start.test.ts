import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
let home = '';
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'starling-start-'));
});
afterEach(() => rm(home, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 }));

function node(...argv: string[]): Promise<{ readonly code: number | null; readonly text: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, argv, { cwd: root, env: { ...process.env, STARLING_HOME: home } });
    let text = '';
    child.stdout.on('data', (data) => {
      text += data;
    });
    child.stderr.on('data', (data) => {
      text += data;
    });
    child.on('close', (code) => resolve({ code, text }));
  });
}

describe('npm start', () => {
  it.each([
    [['--round', '1'], '--round takes a whole number from 5 to 3600, not "1"'],
    [['--volunteers', 'two'], '--volunteers takes a whole number from 0 to 64, not "two"'],
    [['--port', '70000'], '--port takes a whole number'],
    [['--volunters=2'], "Unknown option '--volunters'"],
    [['extra'], 'positional'],
  ])('refuses %s with a sentence and without doing anything', async (argv, message) => {
    const { code, text } = await node('tools/start.mjs', ...argv);
    expect(code).toBe(1);
    expect(text).toContain(message);
    expect(text).not.toMatch(/^ {4}at /m);
    expect(text).not.toContain('packages:');
  });

  it('explains itself', async () => {
    const { code, text } = await node('tools/start.mjs', '--help');
    expect(code).toBe(0);
    expect(text).toContain('--volunteers N');
  });

  it('names the network that already runs in the state folder, and leaves it alone', async () => {
    // This test's own process stands for the running one; its command line must look like it.
    const other = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)', 'start.mjs']);
    try {
      await writeFile(join(home, 'start.pid'), `${other.pid}\n`);
      await writeFile(join(home, 'devnet.json'), JSON.stringify({ page: 'http://localhost:5199/' }));
      const { code, text } = await node('tools/start.mjs');
      expect(code).toBe(1);
      expect(text).toContain(`already runs here (process ${other.pid}): http://localhost:5199/`);
      expect((await readFile(join(home, 'start.pid'), 'utf8')).trim()).toBe(String(other.pid));
    } finally {
      other.kill('SIGKILL');
    }
  });
});

describe('npm test', () => {
  it('refuses a step that does not exist and names those that do', async () => {
    const { code, text } = await node('tools/test.mjs', 'units');
    expect(code).toBe(1);
    expect(text).toContain('There is no step "units"');
    expect(text).toContain('contracts');
  });
});

describe('the packages', () => {
  it('are those of the lock file, which names every direct dependency as package.json does', async () => {
    const { text } = await node(
      '--input-type=module',
      '-e',
      `const { missingPackages } = await import('./tools/packages.mjs');
       const { readFileSync } = await import('node:fs');
       const manifest = JSON.parse(readFileSync('package.json', 'utf8'));
       const locked = JSON.parse(readFileSync('package-lock.json', 'utf8')).packages[''];
       const same = ['dependencies', 'devDependencies'].every(
         (kind) => JSON.stringify(Object.entries(manifest[kind]).sort()) === JSON.stringify(Object.entries(locked[kind]).sort()),
       );
       console.log(missingPackages() ?? 'complete', same ? 'in step' : 'out of step');`,
    );
    expect(text.trim()).toBe('complete in step');
  });
});

describe('the check of the Node version', () => {
  it.each([
    ['20.18.9', 1],
    ['18.20.0', 1],
    ['9.11.2', 1],
    ['20.19.0', 0],
    ['26.1.0', 0],
  ])('%s ends with code %d', async (version, expected) => {
    const { code, text } = await node(
      '--input-type=module',
      '-e',
      `Object.defineProperty(process.versions, 'node', { value: '${version}' });
       const { requireNode } = await import('./tools/require-node.mjs');
       requireNode();`,
    );
    expect(code).toBe(expected);
    if (expected === 1) expect(text).toContain(`Starling needs Node 20.19 or newer; this is ${version}`);
  });
});
