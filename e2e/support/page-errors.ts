import { expect, type Page } from '@playwright/test';

/** The errors that nothing in the page caught, each with its stack, from now on. The list grows by itself. */
export function pageErrorsOf(page: Page): readonly string[] {
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(error.stack ?? String(error)));
  return errors;
}

/** Fails with the errors in its first line: a summary of a run shows no other. */
export function expectNoErrors(errors: readonly string[]): void {
  if (errors.length === 0) return;
  const first = errors[0]?.replaceAll(/\s*\n\s*/g, ' | ') ?? '';
  expect(errors, `${errors.length} errors in the page; the first: ${first}`).toEqual([]);
}
