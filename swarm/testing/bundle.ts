import { fileURLToPath } from 'node:url';
import { build } from 'vite';

/** Bundles one TypeScript entry for a browser, in memory. Returns its JavaScript. */
export async function bundleForBrowser(entry: URL): Promise<string> {
  const result = await build({
    configFile: false,
    logLevel: 'silent',
    build: {
      write: false,
      minify: false,
      target: 'es2023',
      lib: { entry: fileURLToPath(entry), formats: ['es'], fileName: 'page' },
    },
  });
  const outputs = Array.isArray(result) ? result : [result];
  for (const output of outputs) {
    if (!('output' in output)) continue;
    for (const chunk of output.output) if (chunk.type === 'chunk' && chunk.isEntry) return chunk.code;
  }
  throw new Error(`Vite made no entry chunk of ${entry.href}.`);
}
