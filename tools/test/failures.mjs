/** What the reports of the test runners say of failures, a line each. */
import { basename } from 'node:path';
import { stripVTControlCharacters } from 'node:util';

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

/**
 * Errors that vitest found outside of any test, as a promise that nobody catches or a process that ends, each
 * with the test that ran then where vitest knows it.
 */
export function strayErrors(errors, root) {
  return errors.map(({ type, message, stack, cause, VITEST_TEST_PATH: path, VITEST_TEST_NAME: test }) => {
    const where = [path?.replace(root, ''), test].filter((part) => part !== undefined).join(' > ');
    const frame = /\(?(?:file:\/\/)?(\/[^()\s]+:\d+):\d+\)?/.exec(
      (stack ?? '').split('\n').find((line) => line.includes(root) && !line.includes('node_modules')) ?? '',
    )?.[1];
    const at = frame === undefined ? '' : `, at ${frame.replace(root, '')}`;
    const why = cause?.message === undefined ? '' : `, ${firstLine(cause.message)}`;
    return `${where === '' ? 'no test' : where}: ${type ?? 'Error'}: ${firstLine(message)}${why}${at}`;
  });
}

/** Each failing journey in the suites of Playwright's JSON report. */
export function journeyFailures(suites, titles = []) {
  return (suites ?? []).flatMap((suite) => {
    const path = [...titles, suite.title];
    const own = (suite.specs ?? [])
      .filter(({ ok }) => !ok)
      .map(({ title, tests }) => {
        const errors = tests.flatMap(({ results }) => results).flatMap(errorsOf);
        const told = errors.length === 0 ? ['no message'] : [...new Set(errors.map(inOneLine))];
        return `${[...path, title].join(' > ')}: ${told.slice(0, MOST_ERRORS).join('; ')}`;
      });
    return [...own, ...journeyFailures(suite.suites, path)];
  });
}

/** A journey that ran out of time has a second error, which says where. */
const MOST_ERRORS = 3;

function errorsOf({ error, errors }) {
  return errors ?? (error === undefined ? [] : [error]);
}

/** An error's first line, what it waited for, and the line of the journey. */
function inOneLine({ message, location }) {
  const waited = /waiting for .+/.exec(stripVTControlCharacters(message ?? ''))?.[0];
  const place = location === undefined ? undefined : `at ${basename(location.file)}:${location.line}`;
  return [firstLine(message), waited, place].filter((part) => part !== undefined).join(', ');
}

/** The lines of failing tests in what `forge test` printed. */
export function forgeFailures(output) {
  const lines = output.split('\n').filter((line) => line.startsWith('[FAIL'));
  // forge prints a failing test where it runs and again at the end.
  return [...new Set(lines)];
}

function firstLine(text) {
  const line =
    stripVTControlCharacters(text ?? '')
      .split('\n')
      .find((each) => each.trim() !== '') ?? 'no message';
  return line.length > 300 ? `${line.slice(0, 300)} (cut)` : line;
}
