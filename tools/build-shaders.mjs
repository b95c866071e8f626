// Links shaders/*.wgsl into compute/generated/shaders.ts, so that every host (Vite, tsx, Deno, vitest) loads
// the same text with no loader plugin, and writes the kernels' interfaces to compute/generated/kernels.ts. A
// kernel names the modules it needs by `//! import <name>` lines; each module in shaders/lib is put before it
// once, dependencies first. `barrier` stands for one of two modules, which makes the two variants of every
// kernel: `<kernel>` (native) and `<kernel>@barrier`.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readKernelInterface } from './kernel-interface.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const shaders = join(root, 'shaders');
const generated = join(root, 'compute/generated');
const HEADER = '// Made by tools/build-shaders.mjs from shaders/. Do not edit.\n';
const IMPORT = /^\/\/! import ([\w.-]+)$/gm;

/**
 * The text of `source` after the modules it imports.
 * @param {string} name for error messages
 * @param {string} source WGSL with import lines
 * @param {(module: string) => string} load the text of a module; throws when there is none
 */
export function link(name, source, load) {
  const linked = [];
  const state = new Map();
  const visit = (module, text, path) => {
    if (state.get(module) === 'done') return;
    if (state.get(module) === 'open')
      throw new Error(`${[...path, module].join(' -> ')}: modules import each other`);
    state.set(module, 'open');
    for (const [, wanted] of text.matchAll(IMPORT)) visit(wanted, load(wanted), [...path, module]);
    state.set(module, 'done');
    linked.push(text.replace(IMPORT, '').trim());
  };
  visit(name, source, []);
  return `${linked.join('\n\n')}\n`;
}

/**
 * The text of compute/generated/kernels.ts.
 * @param {readonly (readonly [kernel: string, source: string])[]} kernels linked WGSL by kernel
 */
export function kernelTable(kernels) {
  const rows = kernels.map(([kernel, source]) => {
    const { bindings, ...rest } = readKernelInterface(kernel, source);
    const inOrder = Object.entries(bindings).sort(([, a], [, b]) => a.number - b.number);
    return [kernel, { ...rest, bindings: Object.fromEntries(inOrder) }];
  });
  const table = JSON.stringify(Object.fromEntries(rows), undefined, 2);
  return `${HEADER}export const KERNELS = ${table} as const;\n`;
}

/** Links every kernel in both variants and writes the generated modules; returns the number of kernels. */
export function buildShaders() {
  const library = join(shaders, 'lib');
  const modules = new Set(readdirSync(library));
  const loader = (barrier) => (module) => {
    const file = module === 'barrier' ? `barrier.${barrier}.wgsl` : `${module}.wgsl`;
    if (!modules.has(file)) throw new Error(`shaders/lib/${file} does not exist`);
    return readFileSync(join(library, file), 'utf8');
  };
  const kernels = readdirSync(shaders)
    .filter((file) => file.endsWith('.wgsl'))
    .sort()
    .map((file) => {
      const kernel = basename(file, '.wgsl');
      const source = readFileSync(join(shaders, file), 'utf8');
      const [native, barrier] = ['native', 'opaque'].map((variant) => link(kernel, source, loader(variant)));
      return { kernel, native, barrier };
    });
  const lines = kernels.flatMap(({ kernel, native, barrier }) => [
    `  ${JSON.stringify(kernel)}: ${JSON.stringify(native)},`,
    `  ${JSON.stringify(`${kernel}@barrier`)}: ${JSON.stringify(barrier)},`,
  ]);
  mkdirSync(generated, { recursive: true });
  writeFileSync(
    join(generated, 'shaders.ts'),
    `${HEADER}export const SHADERS: Readonly<Record<string, string>> = {\n${lines.join('\n')}\n};\n`,
  );
  writeFileSync(
    join(generated, 'kernels.ts'),
    kernelTable(kernels.map(({ kernel, native }) => [kernel, native])),
  );
  return kernels.length;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  console.log(`${buildShaders()} kernels linked into compute/generated/shaders.ts and kernels.ts`);
}
