/** The examples in the docstrings of the entry points run and give what their comments say. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'starling-examples-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** The example of a file as a module that exports one of its constants. */
async function exampleOf(file: string, constant: string): Promise<string> {
  const url = new URL(file, import.meta.url);
  const fence = /@example\n \* ```ts\n([\s\S]*?) \* ```/.exec(await readFile(url, 'utf8'))?.[1];
  if (fence === undefined) throw new RangeError(`${file} has no example`);
  const code = fence.replaceAll(/^ \* ?/gm, '');
  // The example stands elsewhere here, so its imports become absolute.
  const absolute = code.replaceAll(/ from '(\.[^']*)'/g, (_, specifier: string) => {
    return ` from '${fileURLToPath(new URL(specifier, url))}'`;
  });
  return `${absolute}\nexport default ${constant};\n`;
}

it.each([
  ['./repops/program.ts', 'program.nodes.length', 2],
  ['./engines/engine.ts', 'doubled', Float32Array.of(2, 4, 6)],
  ['./engines/reference.ts', 'c', Float32Array.of(11)],
  ['./engines/wasm/engine.ts', 'y', Float32Array.of(4, 6)],
])('the example of %s gives what it says', async (file, constant, expected) => {
  const path = join(folder, `${file.replaceAll(/\W+/g, '-')}.ts`);
  await writeFile(path, await exampleOf(file, constant));
  const example = (await import(/* @vite-ignore */ pathToFileURL(path).href)) as {
    readonly default: unknown;
  };
  expect(example.default).toEqual(expected);
});
