/**
 * The judge in a built page gives Node's bits, asks nobody outside, and costs a page that does not judge
 * nothing.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from '@playwright/test';
import { build, preview } from 'vite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CHROMIUM, NO_CHROMIUM, requireChromium } from '../../protocol/testing/chromium.ts';
import { FrozenJudge, type Verdict } from './frozen-judge.ts';
import { readInstalledWasm } from './node-wasm.ts';
import { loadRuntime } from './runtime.ts';
import { judgeModel, QUESTIONS } from './testing/judge-case.ts';

const missing = CHROMIUM === undefined ? ` (skipped: ${NO_CHROMIUM})` : '';

describe.skipIf(missing !== '')(`built by Vite, in Chromium${missing}`, () => {
  const common = {
    root: fileURLToPath(new URL('./testing/browser-fixture/', import.meta.url)),
    base: './',
    configFile: false,
    logLevel: 'error',
  } as const;
  let outDir: string;
  const expected: Verdict[] = [];
  beforeAll(async () => {
    outDir = await mkdtemp(join(tmpdir(), 'frozen-judge-'));
    await build({ ...common, build: { outDir, target: 'chrome119', minify: false } });
    const runtime = await loadRuntime(await readInstalledWasm());
    const judge = await FrozenJudge.open({ runtime, model: judgeModel() });
    for (const question of QUESTIONS) expected.push(await judge.judge(question));
    await judge.close();
  });
  afterAll(() => rm(outDir, { recursive: true, force: true }));

  test.each<readonly [string, Record<string, string>]>([
    [
      'an isolated page',
      {
        'Cross-Origin-Opener-Policy': 'same-origin',
        'Cross-Origin-Embedder-Policy': 'require-corp',
      },
    ],
    ['another page', {}],
  ])('%s: the same verdicts as in Node', async (_, headers) => {
    const server = await preview({
      ...common,
      build: { outDir },
      preview: { port: 0, host: '127.0.0.1', headers },
    });
    const browser = await chromium.launch({ executablePath: requireChromium() });
    try {
      const page = await browser.newPage();
      const requested: string[] = [];
      page.on('request', (request) => requested.push(request.url()));
      const home = server.resolvedUrls?.local[0] ?? '';
      await page.goto(home);
      await page.waitForFunction(() => 'judgeAll' in window);
      expect(requested.filter((url) => /ort|judge-/.test(url))).toEqual([]);
      expect(await page.evaluate(() => window.judgeAll())).toEqual(expected);
      expect(requested.some((url) => url.endsWith('.wasm'))).toBe(true);
      expect(requested.filter((url) => !url.startsWith(home) && !url.startsWith('blob:'))).toEqual([]);
    } finally {
      await browser.close();
      await server.close();
    }
  });
});
