/**
 * Makes `expected.ts` from the reference engine: `npx tsx compute/conformance/write-expected.ts`. With
 * `--large`, makes `expected-large.ts`, which takes minutes.
 */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createReferenceEngine } from '../engines/reference.ts';
import { CASES } from './cases.ts';
import type { ConformanceCase } from './conformance-case.ts';
import { digestOf } from './digest.ts';
import { LARGE_CASES } from './large-cases.ts';
import { runCase } from './run-case.ts';

/** The digest of every case by the reference engine, by name. Takes seconds. */
export async function referenceDigests(
  cases: readonly ConformanceCase[] = CASES,
): Promise<Readonly<Record<string, string>>> {
  const engine = createReferenceEngine();
  const digests: Record<string, string> = {};
  for (const testCase of cases) digests[testCase.name] = digestOf(await runCase(engine, testCase));
  await engine.stop();
  return digests;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const large = process.argv.includes('--large');
  const digests = await referenceDigests(large ? LARGE_CASES : CASES);
  const lines = Object.entries(digests).map(([name, digest]) => `  '${name}': '${digest}',`);
  const [file, constant] = large ? ['expected-large.ts', 'EXPECTED_LARGE'] : ['expected.ts', 'EXPECTED'];
  const option = large ? ' --large' : '';
  const text = `/**
 * Digest of each ${large ? 'large' : 'conformance'} case's outputs by the reference engine, so that a page can check a device
 * in seconds. Made by \`npx tsx compute/conformance/write-expected.ts${option}\`. A change here without a new
 * case is a change of the numeric specification.
 */
export const ${constant}: Readonly<Record<string, string>> = {
${lines.join('\n')}
};
`;
  writeFileSync(fileURLToPath(new URL(`./${file}`, import.meta.url)), text);
  console.log(`${lines.length} digests written`);
}
