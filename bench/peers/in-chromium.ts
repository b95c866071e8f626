/** Builds the contest's page, serves it from this machine and runs it in Chromium. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from '@playwright/test';
import { build, preview } from 'vite';
import { requireChromium } from '../../protocol/testing/chromium.ts';
import type { ContestResult } from './contest.ts';
import { installPeers, jaxVersion } from './install.ts';
import type { Size } from './products.ts';

export interface ContestSettings {
  readonly size: Size;
  /** Products with this in their names; '' for all. */
  readonly only: string;
  readonly rounds: number;
  readonly turnMs: number;
  /** Play the GPU on the CPU; otherwise the machine's own is used. */
  readonly software: boolean;
  readonly signal: AbortSignal;
  note(message: string): void;
}

export interface ContestMachine {
  readonly device: string;
  /** GFLOP/s of nothing but fused multiply-adds. */
  readonly peak: number;
}

/** The machine first, then a result a product. Throws when there is no browser or it gives no GPU. */
export async function* contestInChromium(
  options: ContestSettings,
): AsyncIterable<ContestMachine | ContestResult> {
  const executablePath = requireChromium();
  await installPeers(options.note);
  const outDir = await mkdtemp(join(tmpdir(), 'starling-peers-'));
  const root = fileURLToPath(new URL('./page', import.meta.url));
  const common = { root, base: './', configFile: false, logLevel: 'error' } as const;
  try {
    await build({
      ...common,
      define: { __JAX_VERSION__: JSON.stringify(await jaxVersion()) },
      // The peers register their kernels by side effects that their packages do not declare.
      build: { outDir, target: 'chrome119', rolldownOptions: { treeshake: false } },
    });
    const headers = {
      'Cross-Origin-Opener-Policy': 'same-origin',
      'Cross-Origin-Embedder-Policy': 'require-corp',
    };
    const server = await preview({
      ...common,
      build: { outDir },
      preview: { port: 0, host: '127.0.0.1', headers },
    });
    const browser = await chromium.launch({
      executablePath,
      args: [
        '--headless=new',
        '--no-sandbox',
        '--disable-background-networking',
        '--enable-unsafe-webgpu',
        ...(options.software
          ? ['--use-webgpu-adapter=swiftshader']
          : ['--enable-features=Vulkan', '--ignore-gpu-blocklist', '--use-angle=vulkan']),
      ],
    });
    const stop = () => void browser.close();
    options.signal.addEventListener('abort', stop);
    try {
      const page = await browser.newPage();
      page.setDefaultTimeout(0);
      page.on('pageerror', (error) => options.note(`page: ${error.message}`));
      await page.goto(server.resolvedUrls?.local[0] ?? '');
      await page.waitForFunction(() => 'contestStart' in window, undefined, { timeout: 60_000 });
      const { size, only, rounds, turnMs } = options;
      const { notes, ...machine } = await page.evaluate((start) => window.contestStart(start), {
        size,
        only,
        rounds,
        turnMs,
      });
      for (const note of notes) options.note(note);
      yield machine;
      while (true) {
        options.signal.throwIfAborted();
        const result = await page.evaluate(() => window.contestNext());
        if (result === undefined) break;
        yield result;
      }
    } finally {
      options.signal.removeEventListener('abort', stop);
      await browser.close();
      await server.close();
    }
  } finally {
    await rm(outDir, { recursive: true, force: true });
  }
}
