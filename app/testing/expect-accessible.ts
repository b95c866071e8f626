import axe from 'axe-core';
import { expect } from 'vitest';
import { page } from 'vitest/browser';

/** Rules about a whole page, which a single component cannot meet. */
const PAGE_RULES = ['region', 'landmark-one-main', 'page-has-heading-one'];

/**
 * No rule of axe is broken, no contrast is too low in dark colours either, and nothing is wider than the
 * element that holds it.
 */
export async function expectAccessible(element: HTMLElement): Promise<void> {
  const rules = Object.fromEntries(PAGE_RULES.map((rule) => [rule, { enabled: false }]));
  expect(await violations(element, { rules })).toEqual([]);
  document.documentElement.dataset.theme = 'dark';
  expect(await violations(element, { runOnly: ['color-contrast'] }), 'dark colours').toEqual([]);
  delete document.documentElement.dataset.theme;
  expect(element.scrollWidth, 'fits its width').toBeLessThanOrEqual(element.clientWidth);
}

/** As `expectAccessible`, and nothing is wider than a phone of 360 pixels. */
export async function expectAccessibleOnPhoneToo(element: HTMLElement): Promise<void> {
  await expectAccessible(element);
  await page.viewport(360, 740);
  expect(element.scrollWidth, 'fits a phone').toBeLessThanOrEqual(element.clientWidth);
  await page.viewport(1280, 800);
}

async function violations(element: HTMLElement, options: axe.RunOptions): Promise<string[]> {
  const found = await axe.run(element, options);
  return found.violations.map(({ id, help, nodes }) => `${id}: ${help} (${nodes[0]?.html ?? ''})`);
}
