import { describe, expect, it } from 'vitest';
import type { Evidence } from '../../../protocol/evidence.ts';
import type { Hex } from '../../../protocol/hex.ts';
import { termsHash } from '../../../protocol/slot-encoding.ts';
import { verifyRun } from '../../../protocol/verified-run.ts';
import { sampleRun } from '../testing/sample-run.ts';
import { RunCache } from './run-cache.ts';

const run = sampleRun();
const terms = termsHash(run.terms);

/** The run, counting what is asked of it. */
function counted() {
  const asked: string[] = [];
  const evidence: Evidence = {
    ...run,
    stepRoots: () => {
      asked.push('roots');
      return run.stepRoots();
    },
    trace: (step) => {
      asked.push(`trace ${step}`);
      return run.trace(step);
    },
  };
  return { asked, evidence };
}

describe('RunCache', () => {
  it('finds and computes a run once for all who ask', async () => {
    const { asked, evidence } = counted();
    const cache = new RunCache(async (hash) => {
      asked.push('find');
      return verifyRun(evidence, hash);
    });
    const [one, other] = await Promise.all([cache.get(terms), cache.get(terms)]);
    expect(one).toBe(other);
    await Promise.all([one?.stepRoots(), other?.stepRoots()]);
    await one?.trace(1);
    expect(await other?.trace(1)).toBe(await run.trace(1));
    expect(asked).toEqual(['find', 'roots', 'trace 1']);
  });

  it('keeps the last traces that were asked for', async () => {
    const { asked, evidence } = counted();
    const found = await new RunCache(async (hash) => verifyRun(evidence, hash)).get(terms);
    for (const step of [0, 1, 0, 2, 0, 1]) await found?.trace(step);
    expect(asked).toEqual(['trace 0', 'trace 1', 'trace 2', 'trace 1']);
  });

  it('looks again for what was not found, and after a failure', async () => {
    const answers = [undefined, new Error('away'), run] as const;
    let asked = 0;
    const cache = new RunCache(async (hash: Hex) => {
      const answer = answers[asked++];
      if (answer instanceof Error) throw answer;
      return answer === undefined ? undefined : verifyRun(answer, hash);
    });
    expect(await cache.get(terms)).toBeUndefined();
    await expect(cache.get(terms)).rejects.toThrow('away');
    expect(await cache.get(terms)).toBeDefined();
    expect(asked).toBe(3);
  });

  it.each<readonly [string, Partial<Evidence>, string]>([
    ['another program', { program: run.program.toReversed() }, 'not that of the terms'],
    ['slots missing', { program: run.program.slice(1) }, 'another number of slots'],
    ['data missing', { dataRoots: run.dataRoots.slice(1) }, 'as many data roots'],
    ['other data', { dataRoots: run.dataRoots.toReversed() }, 'not those of the terms'],
    ['names missing', { slotNames: [] }, 'has a name'],
  ])('refuses evidence with %s', async (_, change, sentence) => {
    const cache = new RunCache(async (hash) => verifyRun({ ...run, ...change }, hash));
    await expect(cache.get(terms)).rejects.toThrow(sentence);
    await expect(cache.get(terms)).rejects.toMatchObject({ name: 'InvalidEvidenceError' });
  });
});
