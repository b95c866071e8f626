import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, preview } from 'vite';

const root = fileURLToPath(new URL('../..', import.meta.url));

export interface BuiltPage {
  readonly url: string;
  /** The folder that it was built into. */
  readonly folder: string;
  stop(): Promise<void>;
}

/** The page as it is published, with its headers and content policy, and no swarm or chain behind it. */
export async function serveBuiltPage(): Promise<BuiltPage> {
  const outDir = await mkdtemp(join(tmpdir(), 'starling-page-'));
  // The devnet that a developer may be running is none of its business.
  process.env.STARLING_NETWORK = join(outDir, 'none.json');
  await build({ root, logLevel: 'error', build: { outDir, emptyOutDir: true } });
  const server = await preview({
    root,
    logLevel: 'error',
    build: { outDir },
    preview: { host: '127.0.0.1', port: 0 },
  });
  const [url] = server.resolvedUrls?.local ?? [];
  if (url === undefined) throw new Error('Vite gave the page no address.');
  return {
    url,
    folder: outDir,
    async stop() {
      await server.close();
      await rm(outDir, { recursive: true, force: true });
    },
  };
}
