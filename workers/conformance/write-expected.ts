/** Makes `expected.ts` from the reference engine: `npx tsx workers/conformance/write-expected.ts`. */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createReferenceEngine } from '../engines/reference.ts';
import { CASES, type ConformanceCase } from './cases.ts';
import { digestOf } from './digest.ts';
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
  const digests = await referenceDigests();
  const lines = Object.entries(digests).map(([name, digest]) => `  '${name}': '${digest}',`);
  const text = `/**
 * Digest of each conformance case's outputs by the reference engine, so that a page can check a device in seconds.
 * Made by \`npx tsx workers/conformance/write-expected.ts\`; a test compares it with the reference. A change here
 * without a new case is a change of the numeric specification.
 */
export const EXPECTED: Readonly<Record<string, string>> = {
${lines.join('\n')}
};
`;
  writeFileSync(fileURLToPath(new URL('./expected.ts', import.meta.url)), text);
  console.log(`${lines.length} digests written`);
}
