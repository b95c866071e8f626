/** What the reports of the test runners say of failures, a line each. */

/**
 * Each failing test of vitest's JSON report. `root` is the folder that file names are shortened by.
 */
export function unitFailures(report, root) {
  return report.testResults.flatMap(({ name, status, message, assertionResults }) => {
    const file = name.replace(root, '');
    const failed = assertionResults.filter((each) => each.status === 'failed');
    if (failed.length === 0) return status === 'failed' ? [`${file}: ${firstLine(message)}`] : [];
    return failed.map(
      ({ fullName, failureMessages }) => `${file} > ${fullName}: ${firstLine(failureMessages?.[0])}`,
    );
  });
}

/** Each failing journey in the suites of Playwright's JSON report. */
export function journeyFailures(suites, titles = []) {
  return (suites ?? []).flatMap((suite) => {
    const path = [...titles, suite.title];
    const own = (suite.specs ?? [])
      .filter(({ ok }) => !ok)
      .map(({ title, tests }) => {
        const error = tests.flatMap(({ results }) => results).find((result) => result.error !== undefined);
        return `${[...path, title].join(' > ')}: ${firstLine(error?.error?.message)}`;
      });
    return [...own, ...journeyFailures(suite.suites, path)];
  });
}

/** The lines of failing tests in what `forge test` printed. */
export function forgeFailures(output) {
  const lines = output.split('\n').filter((line) => line.startsWith('[FAIL'));
  // forge prints a failing test where it runs and again at the end.
  return [...new Set(lines)];
}

function firstLine(text) {
  const line = (text ?? '').split('\n').find((each) => each.trim() !== '') ?? 'no message';
  return line.length > 300 ? `${line.slice(0, 300)} (cut)` : line;
}
