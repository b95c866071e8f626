/** The suite inside a Worker of a page in headless Chromium, on SwiftShader. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { chromium } from '@playwright/test';
import type { HostReport } from './webgpu-suite.ts';

export interface ChromiumOptions {
  readonly executablePath: string;
  /** The worker's script. */
  readonly script: string;
  readonly timeoutMs: number;
}

/**
 * Starts a browser and a server for it, and stops both. Rejects when the browser cannot start or takes too
 * long.
 */
export async function runInChromium(options: ChromiumOptions): Promise<HostReport> {
  const server = createServer((request, response) => {
    const worker = request.url === '/worker.js';
    response.setHeader('content-type', worker ? 'text/javascript' : 'text/html');
    response.end(worker ? options.script : '<!doctype html><title>Conformance</title>');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const browser = await chromium.launch({
    executablePath: options.executablePath,
    args: ['--no-sandbox', '--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader', '--disable-quic'],
  });
  try {
    const page = await browser.newPage();
    // Localhost is a secure context, without which there is no navigator.gpu.
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    return await page.evaluate(
      (timeoutMs) =>
        new Promise<HostReport>((resolve, reject) => {
          const worker = new Worker('/worker.js', { type: 'module' });
          setTimeout(() => reject(new Error(`the worker took more than ${timeoutMs} ms`)), timeoutMs);
          worker.onmessage = ({ data }: MessageEvent<HostReport>) => resolve(data);
          worker.onerror = ({ message }) => reject(new Error(message));
        }),
      options.timeoutMs,
    );
  } finally {
    await browser.close();
    await new Promise((resolve) => server.close(resolve));
  }
}
