import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from '@playwright/test';
import { build, preview } from 'vite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CHROMIUM, NO_CHROMIUM, requireChromium } from '../../protocol/testing/chromium.ts';
import { TRAINING_CASE_ROOTS } from './training-case.ts';

const missing = CHROMIUM === undefined ? ` (skipped: ${NO_CHROMIUM})` : '';

describe.skipIf(missing !== '')(`built by Vite, in Chromium${missing}`, () => {
  const root = fileURLToPath(new URL('./browser-fixture/', import.meta.url));
  const common = {
    root,
    base: '../../compute/engines/wasm/',
    configFile: false,
    logLevel: 'error',
    worker: { format: 'es' },
  } as const;
  let outDir: string;
  beforeAll(async () => {
    outDir = await mkdtemp(join(tmpdir(), 'wasm-engine-'));
    await build({ ...common, build: { outDir, target: 'chrome119' } });
  });
  afterAll(() => rm(outDir, { recursive: true, force: true }));

  async function reportWith(headers: Record<string, string>) {
    const server = await preview({
      ...common,
      build: { outDir },
      preview: { port: 0, host: '127.0.0.1', headers },
    });
    const browser = await chromium.launch({ executablePath: requireChromium() });
    try {
      const page = await browser.newPage();
      await page.goto(server.resolvedUrls?.local[0] ?? '');
      return await page.evaluate(() => window.report);
    } finally {
      await browser.close();
      await server.close();
    }
  }

  test('an isolated page gets threads, on its main thread and in a worker', async () => {
    const report = await reportWith({
      'Cross-Origin-Opener-Policy': 'same-origin',
      'Cross-Origin-Embedder-Policy': 'require-corp',
    });
    const expected = { description: 'wasm SIMD, 2 threads', root: TRAINING_CASE_ROOTS[20] };
    expect(report).toEqual([expected, expected]);
  });

  test('another page gets one thread and the same bits', async () => {
    const description = 'wasm SIMD, 1 thread (the page is not cross-origin isolated)';
    const expected = { description, root: TRAINING_CASE_ROOTS[20] };
    expect(await reportWith({})).toEqual([expected, expected]);
  });
});
