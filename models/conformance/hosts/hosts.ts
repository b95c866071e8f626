/**
 * Every place where the suite can run on a machine for development: engines in this process, and WebGPU in
 * three others.
 */
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Engine } from '../../../compute/engines/engine.ts';
import { createReferenceEngine } from '../../../compute/engines/reference.ts';
import { createWasmEngine } from '../../../compute/engines/wasm/engine.ts';
import { SWIFTSHADER_ICD } from '../../../compute/engines/webgpu/device/dawn.ts';
import { CHROMIUM, NO_CHROMIUM, requireChromium } from '../../../protocol/testing/chromium.ts';
import { runSuite } from '../suite.ts';
import { bundle } from './bundle.ts';
import { runChild } from './child.ts';
import { runInChromium } from './chromium.ts';
import type { HostReport, SuiteSize } from './webgpu-suite.ts';

export interface Host {
  readonly name: string;
  /** Why it cannot run on this machine, or undefined. */
  missing(): string | undefined;
  run(size: SuiteSize): Promise<HostReport>;
}

/**
 * When a host is given up for hung: far more than the slowest machine needs when it does other work as well.
 */
const timeoutMs = (size: SuiteSize): number => (size.full ? 3_600_000 : 900_000);
const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const DENO = join(ROOT, 'node_modules/.bin/deno');
const LLVMPIPE_ICDS = '/usr/share/vulkan/icd.d';

function findLlvmpipe(): string | undefined {
  if (!existsSync(LLVMPIPE_ICDS)) return undefined;
  const file = readdirSync(LLVMPIPE_ICDS).find((name) => name.startsWith('lvp_icd'));
  return file === undefined ? undefined : join(LLVMPIPE_ICDS, file);
}

function inProcess(name: string, open: () => Promise<Engine>): Host {
  return {
    name,
    missing: () => undefined,
    async run(size) {
      const engine = await open();
      try {
        return await runSuite({ engine, now: () => performance.now(), ...size });
      } finally {
        await engine.stop();
      }
    },
  };
}

function dawn(name: string, args: readonly string[], driver: string | undefined): Host {
  return {
    name,
    missing: () =>
      driver === undefined || existsSync(driver) ? undefined : `${driver} is missing; install chromium`,
    run: (size) =>
      runChild({
        command: process.execPath,
        args: [
          '--import',
          'tsx',
          fileURLToPath(new URL('./dawn-main.ts', import.meta.url)),
          ...args,
          ...(size.training ? [] : ['--no-training']),
          ...(size.full ? ['--full'] : []),
        ],
        env: driver === undefined ? {} : { VK_ICD_FILENAMES: driver },
        timeoutMs: timeoutMs(size),
      }),
  };
}

function deno(name: string, driver: () => string | undefined, remedy: string): Host {
  return {
    name,
    missing() {
      if (!existsSync(DENO)) return 'deno is missing; run npm install';
      return driver() === undefined ? remedy : undefined;
    },
    async run(size) {
      const folder = mkdtempSync(join(tmpdir(), 'starling-conformance-'));
      try {
        const script = join(folder, 'suite.mjs');
        writeFileSync(script, await bundle('./deno-main.ts', size));
        return await runChild({
          command: DENO,
          args: ['run', '--unstable-webgpu', '--allow-all', '--no-config', script],
          env: { VK_ICD_FILENAMES: driver() ?? '', NO_COLOR: '1' },
          timeoutMs: timeoutMs(size),
        });
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    },
  };
}

const browser: Host = {
  name: 'webgpu in Chromium, SwiftShader',
  missing: () => (CHROMIUM === undefined ? NO_CHROMIUM : undefined),
  async run(size) {
    return runInChromium({
      executablePath: requireChromium(),
      script: await bundle('./browser-worker.ts', size),
      timeoutMs: timeoutMs(size),
    });
  },
};

export const HOSTS: readonly Host[] = [
  inProcess('reference', async () => createReferenceEngine()),
  inProcess('wasm, 1 worker', () => createWasmEngine({ threads: 1 })),
  inProcess('wasm, 4 workers', () => createWasmEngine({ threads: 4, alwaysAllThreads: true })),
  dawn('webgpu in Node (Dawn), SwiftShader', [], SWIFTSHADER_ICD),
  deno('webgpu in Deno, llvmpipe', findLlvmpipe, 'llvmpipe is missing; install mesa-vulkan-drivers'),
  deno(
    'webgpu in Deno, SwiftShader',
    () => (existsSync(SWIFTSHADER_ICD) ? SWIFTSHADER_ICD : undefined),
    `${SWIFTSHADER_ICD} is missing; install chromium`,
  ),
  browser,
  dawn('webgpu in Node (Dawn), hardware', ['--hardware'], undefined),
];
