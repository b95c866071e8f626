import { describe, expect, it } from 'vitest';
import { CASES } from '../../compute/conformance/cases.ts';
import { EXPECTED } from '../../compute/conformance/expected.ts';
import { referenceDigests } from '../../compute/conformance/write-expected.ts';
import { HOSTS } from './hosts/hosts.ts';
import { TRAINING_CASE_ROOTS } from './training-case.ts';

describe('the table of cases', () => {
  it('has a name of its own for each case', () => {
    expect(new Set(CASES.map(({ name }) => name)).size).toBe(CASES.length);
  });

  it('[RO-1] is what the reference engine gives', async () => {
    expect(await referenceDigests()).toEqual(EXPECTED);
  });
});

// The reference's own training steps are compared in models/conformance/equality.test.ts.
describe.each(HOSTS.filter(({ name }) => name !== 'reference'))('$name', (host) => {
  it('[RO-1] gives the bits of the reference for every case, for 20 training steps and for adapter steps', async ({
    skip,
  }) => {
    const missing = host.missing();
    if (missing !== undefined) skip(missing);
    const report = await host.run({ training: true, full: false });
    if ('skipped' in report) skip(report.skipped);
    expect(report).toMatchObject({
      cases: CASES.length,
      mismatches: 0,
      wrong: [],
      training: { steps: 20, root: TRAINING_CASE_ROOTS[20], same: true },
      lora: { same: true },
    });
  }, 960_000);
});
