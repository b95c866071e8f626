import { describe, expect, it } from 'vitest';
import { forgeFailures, journeyFailures, strayErrors, unitFailures } from './failures.mjs';

describe('what failed', () => {
  it('is named with its file and the first line of its error', () => {
    const report = {
      testResults: [
        {
          name: '/here/a.test.ts',
          status: 'passed',
          assertionResults: [{ status: 'passed', fullName: 'a' }],
        },
        {
          name: '/here/b.test.ts',
          status: 'failed',
          assertionResults: [
            { status: 'passed', fullName: 'b one' },
            { status: 'failed', fullName: 'b two', failureMessages: ['Error: no\n    at b'] },
          ],
        },
        { name: '/here/c.test.ts', status: 'failed', message: 'It does not load.', assertionResults: [] },
      ],
    };
    expect(unitFailures(report, '/here/')).toEqual([
      'b.test.ts > b two: Error: no',
      'c.test.ts: It does not load.',
    ]);
  });

  it('outside of any test is named with the test that ran then, and with the line', () => {
    const stack =
      'Error: late\n    at other (/here/node_modules/x.js:1:1)\n    at it (/here/swarm/a.ts:7:13)';
    const errors = [
      {
        ...{ type: 'Unhandled Rejection', message: 'late\nmore', stack },
        ...{ VITEST_TEST_PATH: '/here/swarm/a.test.ts', VITEST_TEST_NAME: 'A > b' },
      },
      { message: 'Worker emitted error.', cause: { message: 'Worker exited' } },
    ];
    expect(strayErrors(errors, '/here/')).toEqual([
      'swarm/a.test.ts > A > b: Unhandled Rejection: late, at swarm/a.ts:7',
      'no test: Error: Worker emitted error., Worker exited',
    ]);
  });

  it('is found in every suite of the journeys', () => {
    const failing = {
      ok: false,
      title: 'binds',
      tests: [{ results: [{ error: { message: '\nTimed out' } }] }],
    };
    const passing = { ok: true, title: 'opens', tests: [{ results: [{}] }] };
    const suites = [
      { title: 'wallet.spec.ts', specs: [passing], suites: [{ title: 'A wallet', specs: [failing] }] },
    ];
    expect(journeyFailures(suites)).toEqual(['wallet.spec.ts > A wallet > binds: Timed out']);
    expect(journeyFailures(undefined)).toEqual([]);
  });

  it('of a journey that ran out of time is where it waited', () => {
    const errors = [
      { message: '\u001b[31mTest timeout of 420000ms exceeded.\u001b[39m' },
      {
        message: "Error: locator.click: Test ended.\nCall log:\n  - waiting for getByTestId('key-sweep')\n",
        location: { file: '/here/e2e/wallet.spec.ts', line: 117 },
      },
    ];
    const spec = { ok: false, title: 'binds', tests: [{ results: [{ error: errors[0], errors }] }] };
    expect(journeyFailures([{ title: 'wallet.spec.ts', specs: [spec] }])).toEqual([
      'wallet.spec.ts > binds: Test timeout of 420000ms exceeded.; ' +
        "Error: locator.click: Test ended., waiting for getByTestId('key-sweep'), at wallet.spec.ts:117",
    ]);
  });

  it('of contracts is each line once', () => {
    expect(forgeFailures('[PASS] a\n[FAIL: no] b\n\n[FAIL: no] b\n')).toEqual(['[FAIL: no] b']);
  });
});
