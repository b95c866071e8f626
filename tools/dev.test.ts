import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { NO_ANVIL } from '../chain/devnet/anvil.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const WAIT = { timeout: 60_000, interval: 100 };

let home = '';
/** Below the root, where the dev server finds it, and ignored by git. */
let scratch = '';
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'starling-dev-'));
  await mkdir(join(root, 'coverage'), { recursive: true });
  scratch = await mkdtemp(join(root, 'coverage/dev-loop-'));
});
afterEach(async () => {
  await rm(home, { recursive: true, force: true });
  await rm(scratch, { recursive: true, force: true });
});

describe.skipIf(NO_ANVIL)(
  `npm run dev${NO_ANVIL === undefined ? '' : ` (skipped: ${NO_ANVIL})`}`,
  { timeout: 300_000 },
  () => {
    it('serves the page from its sources, follows what is saved, and takes everything down on Ctrl-C', async () => {
      const child = spawn(process.execPath, ['tools/start.mjs', '--dev', '--port', '5673'], {
        cwd: root,
        env: { ...process.env, STARLING_HOME: home },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      let text = '';
      for (const stream of [child.stdout, child.stderr])
        stream.on('data', (data) => {
          text += data;
        });
      const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
      try {
        await vi.waitFor(
          () => {
            if (child.exitCode !== null) throw new Error(`It ended with ${child.exitCode}:\n${text}`);
            expect(text).toMatch(/^Ready/m);
          },
          { timeout: 200_000, interval: 200 },
        );
        const { page, processes } = JSON.parse(await readFile(join(home, 'devnet.json'), 'utf8'));
        expect(text.match(/https?:\/\/\S+/g)).toEqual([page]);

        const index = await fetch(page);
        expect(index.headers.get('cross-origin-opener-policy')).toBe('same-origin');
        expect(index.headers.get('cross-origin-embedder-policy')).toBe('require-corp');
        expect(await index.text()).toContain('/@vite/client');
        expect(await (await fetch(`${page}network.json`)).json()).toMatchObject({ page });
        const main = await fetch(`${page}app/main.tsx`);
        expect(main.headers.get('content-type')).toContain('javascript');

        const module = join(scratch, 'hot.ts');
        const served = async () => (await fetch(page + module.slice(root.length))).text();
        await writeFile(module, 'export const word: string = "before";\n');
        expect(await served()).toContain('before');
        await writeFile(module, 'export const word: string = "after";\n');
        await vi.waitFor(async () => expect(await served()).toContain('after'), WAIT);

        // A saved kernel is built again; one that was only touched is found unchanged.
        const [kernel] = (await readdir(join(root, 'shaders'))).filter((name) => name.endsWith('.wgsl'));
        const built = text.match(/kernels: /g)?.length ?? 0;
        await utimes(join(root, 'shaders', kernel ?? ''), new Date(), new Date());
        await vi.waitFor(() => expect(text.match(/kernels: /g)?.length).toBeGreaterThan(built), WAIT);

        child.kill('SIGINT');
        expect(await exited).toBe(0);
        expect(text).toContain('Stopped.');
        await vi.waitFor(() => expect(Object.values<number>(processes).filter(isAlive)).toEqual([]), WAIT);
        expect(existsSync(join(home, 'devnet.json'))).toBe(false);
      } finally {
        child.kill('SIGKILL');
        await exited;
      }
    });
  },
);

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
