// Compiles compute/engines/wasm/assembly (AssemblyScript) twice, for private and for shared memory, and
// writes both modules as base64 into compute/generated/wasm.ts. Does nothing when sources, flags and compiler
// are those of the last build.
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import asc from 'assemblyscript/asc';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const sources = join(root, 'compute/engines/wasm/assembly');
const target = join(root, 'compute/generated/wasm.ts');

// The host lays out memory, so there is no runtime; static data would start at memoryBase, past the control
// words.
const COMMON = [
  ...['--runtime', 'stub', '--importMemory', '--initialMemory', '2', '--memoryBase', '4096'],
  ...['--enable', 'simd', '-O3', '--converge', '--noAssert', '--use', 'abort='],
];
const SHARED = ['--enable', 'threads', '--sharedMemory', '--maximumMemory', '65536'];

async function compile(flags) {
  const { error, stdout, stderr, binary } = await compileOnce(flags);
  if (error || !binary) throw new Error(`asc failed: ${error?.message ?? ''}\n${stdout}${stderr}`);
  return Buffer.from(binary).toString('base64');
}

async function compileOnce(flags) {
  let binary;
  const result = await asc.main(
    ['index.ts', '--baseDir', sources, '--outFile', 'module.wasm', ...COMMON, ...flags],
    {
      readFile: (name, baseDir) => {
        try {
          return readFileSync(join(baseDir, name), 'utf8');
        } catch {
          return null;
        }
      },
      writeFile: (_name, contents) => {
        binary = contents;
      },
    },
  );
  return { error: result.error, stdout: String(result.stdout), stderr: String(result.stderr), binary };
}

function inputsDigest() {
  const hash = createHash('sha256');
  hash.update(readFileSync(fileURLToPath(import.meta.url)));
  hash.update(asc.version ?? '');
  for (const name of readdirSync(sources).sort())
    hash.update(`\0${name}\0`).update(readFileSync(join(sources, name)));
  return hash.digest('hex');
}

/** Builds if needed; gives 'built' or 'unchanged'. */
export async function buildWasm() {
  const stamp = `// inputs ${inputsDigest()}`;
  try {
    if (readFileSync(target, 'utf8').startsWith(stamp)) return 'unchanged';
  } catch {
    // Not built yet.
  }
  const [solo, shared] = [await compile([]), await compile(SHARED)];
  mkdirSync(dirname(target), { recursive: true });
  const text = [
    stamp,
    '/** The kernels for a private memory. Made by tools/build-wasm.mjs. */',
    `export const WASM_BASE64 = '${solo}';`,
    '/** The kernels for a shared memory. */',
    `export const WASM_THREADS_BASE64 = '${shared}';`,
    '',
  ].join('\n');
  // Another build may run at the same time: write beside, then move into place.
  const partial = `${target}.${process.pid}.part`;
  writeFileSync(partial, text);
  renameSync(partial, target);
  return 'built';
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  console.log(`wasm kernels: ${await buildWasm()}`);
}
