/** Bundles a host's entry into one script, as the page's build does. */
import { fileURLToPath } from 'node:url';
import { build } from 'vite';
import type { SuiteSize } from './webgpu-suite.ts';

/** One ES module with everything in it. `entry` is a file beside this one. */
export async function bundle(entry: string, options: SuiteSize): Promise<string> {
  const output = await build({
    configFile: false,
    logLevel: 'error',
    define: { __TRAINING__: String(options.training), __FULL__: String(options.full) },
    build: {
      write: false,
      minify: false,
      target: 'es2022',
      lib: { entry: fileURLToPath(new URL(entry, import.meta.url)), formats: ['es'] },
    },
  });
  const chunk = [output].flat()[0];
  const file = chunk !== undefined && 'output' in chunk ? chunk.output[0] : undefined;
  if (file === undefined) throw new Error(`bundling ${entry} gave nothing`);
  return file.code;
}
