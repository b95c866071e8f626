// Links shaders/*.wgsl into compute/generated/shaders.ts, so that every host (Vite, tsx, Deno, vitest) loads the same
// text with no loader plugin. A kernel names the modules it needs by `//! import <name>` lines; each module in
// shaders/lib is put before it once, dependencies first. `barrier` stands for one of two modules, which makes the two
// variants of every kernel: `<kernel>` (native) and `<kernel>@barrier`.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const shaders = join(root, 'shaders');
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

/** Links every kernel in both variants and writes the generated module; returns the number of sources in it. */
export function buildShaders() {
  const library = join(shaders, 'lib');
  const modules = new Set(readdirSync(library));
  const loader = (barrier) => (module) => {
    const file = module === 'barrier' ? `barrier.${barrier}.wgsl` : `${module}.wgsl`;
    if (!modules.has(file)) throw new Error(`shaders/lib/${file} does not exist`);
    return readFileSync(join(library, file), 'utf8');
  };
  const entries = readdirSync(shaders)
    .filter((file) => file.endsWith('.wgsl'))
    .sort()
    .flatMap((file) => {
      const kernel = basename(file, '.wgsl');
      const source = readFileSync(join(shaders, file), 'utf8');
      return [
        [kernel, link(kernel, source, loader('native'))],
        [`${kernel}@barrier`, link(kernel, source, loader('opaque'))],
      ];
    });
  const lines = entries.map(([name, text]) => `  ${JSON.stringify(name)}: ${JSON.stringify(text)},`);
  mkdirSync(join(root, 'compute/generated'), { recursive: true });
  writeFileSync(
    join(root, 'compute/generated/shaders.ts'),
    `// Made by tools/build-shaders.mjs from shaders/. Do not edit.\nexport const SHADERS: Readonly<Record<string, string>> = {\n${lines.join('\n')}\n};\n`,
  );
  return entries.length;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  console.log(`${buildShaders()} shaders linked into compute/generated/shaders.ts`);
}
