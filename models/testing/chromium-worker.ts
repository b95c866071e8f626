/**
 * A dedicated worker in a real Chromium that a test in Node sends commands to. worker-commands.ts is the
 * worker's side.
 */
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import { type Browser, chromium, type Page } from '@playwright/test';
import { build } from 'vite';
import { CHROMIUM, NO_CHROMIUM, requireChromium } from '../../protocol/testing/chromium.ts';
import type { CommandReply } from './worker-commands.ts';

/** Why tests in Chromium are skipped, or false when there is one. */
export const CHROMIUM_ABSENT: string | false = CHROMIUM === undefined ? NO_CHROMIUM : false;

/** A page that starts /worker.js and keeps the last value that the worker posted by itself. */
export const WORKER_PAGE = `<!doctype html><script type="module">
  const worker = new Worker('/worker.js', { type: 'module' });
  let last = 0;
  window.posted = undefined;
  worker.addEventListener('message', ({ data }) => {
    if (data.posted !== undefined) window.posted = data.posted;
  });
  window.sendCommand = (command, argument) => new Promise((resolve) => {
    const id = ++last;
    worker.addEventListener('message', ({ data }) => {
      if (data.id === id) resolve(data.reply);
    });
    worker.postMessage({ id, command, argument });
  });
</script>`;

interface WorkerWindow {
  sendCommand(command: string, argument: unknown): Promise<CommandReply>;
}

export function launchChromium(): Promise<Browser> {
  return chromium.launch({ executablePath: requireChromium(), args: ['--no-sandbox'] });
}

/** Bundles a worker into one script. `entry` is the URL of its source file. */
export async function bundleWorker(entry: URL): Promise<string> {
  const result = await build({
    configFile: false,
    logLevel: 'silent',
    build: {
      write: false,
      lib: { entry: fileURLToPath(entry), formats: ['es'], fileName: 'worker' },
    },
  });
  for (const output of [result].flat()) {
    if (!('output' in output)) continue;
    for (const chunk of output.output) if (chunk.type === 'chunk' && chunk.isEntry) return chunk.code;
  }
  throw new Error('Vite made no entry chunk.');
}

export interface WorkerServer {
  /** Address of the page. */
  readonly origin: string;
  stop(): void;
}

/** Serves the page and its worker on this machine, which browsers treat as a secure context. */
export async function serveWorker(script: string): Promise<WorkerServer> {
  const server = createServer((request, response) => {
    const isWorker = request.url === '/worker.js';
    response.setHeader('content-type', isWorker ? 'text/javascript' : 'text/html');
    response.end(isWorker ? script : WORKER_PAGE);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The test server has no port.');
  return { origin: `http://127.0.0.1:${address.port}`, stop: () => server.close() };
}

/**
 * Runs a command in the page's worker. Rejects with an Error that has the name and message of the worker's
 * error.
 */
export async function callWorker(page: Page, command: string, argument?: unknown): Promise<unknown> {
  const reply = await page.evaluate(
    ([name, value]) => (window as unknown as WorkerWindow).sendCommand(name, value),
    [command, argument] as const,
  );
  if (reply.kind === 'value') return reply.value;
  throw Object.assign(new Error(reply.message), { name: reply.name });
}
