// Turns the kernel sources (AssemblyScript, WGSL) into TypeScript modules under compute/generated/, which
// load the same way in Vite, tsx, Deno and Vitest.
import { root, run } from './command.mjs';

for (const script of ['build-wasm.mjs', 'build-shaders.mjs']) {
  const { code } = await run(process.execPath, [`${root}tools/${script}`], { show: true });
  if (code !== 0) process.exit(code);
}
