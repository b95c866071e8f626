// node tools/gpu-kit.mjs [FOLDER]: everything that the conformance suite and the benchmarks need on a machine
// with a GPU but without this repository's packages or a network: scripts with their imports inside, Dawn,
// and this Node, compressed.

import { copyFileSync, cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'vite';
import { buildShaders } from './build-shaders.mjs';
import { buildWasm } from './build-wasm.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const folder = process.argv[2] ?? join(root, '.starling/gpu-kit');
const platform = `${process.platform}-${process.arch}`;

await buildWasm();
buildShaders();
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
await build({
  root,
  configFile: false,
  publicDir: false,
  logLevel: 'error',
  // What is left out is either carried beside (webgpu) or for benchmarks that need a network or a browser.
  ssr: {
    noExternal: true,
    external: ['webgpu', 'vite', '@playwright/test', 'playwright', 'onnxruntime-web', 'node-datachannel'],
  },
  build: {
    ssr: true,
    outDir: folder,
    emptyOutDir: false,
    target: 'node20',
    rollupOptions: {
      input: {
        conformance: join(root, 'models/conformance/hosts/dawn-main.ts'),
        bench: join(root, 'bench/run.ts'),
      },
      external: [/^onnxruntime-web/, /^@tensorflow\//, /^@jax-js\//, /^@libp2p\//],
      output: { entryFileNames: '[name].mjs', chunkFileNames: 'chunks/[name]-[hash].mjs' },
    },
  },
});
// A worker is found beside the script that starts it.
copyFileSync(join(root, 'compute/engines/wasm/pool-worker.js'), join(folder, 'chunks/pool-worker.js'));
// Where the benchmark of a round looks for it.
cpSync(join(root, 'public/models'), join(folder, 'public/models'), { recursive: true });
const webgpu = join(folder, 'node_modules/webgpu');
for (const part of ['index.js', 'package.json', 'LICENSE.md', `dist/${platform}`]) {
  cpSync(join(root, 'node_modules/webgpu', part), join(webgpu, part), { recursive: true });
}
writeFileSync(join(folder, 'package.json'), '{"type": "module"}\n');
writeFileSync(join(folder, 'node.gz'), gzipSync(readFileSync(process.execPath)));
console.log(`${folder}: node.gz, conformance.mjs, bench.mjs`);
