import axe from 'axe-core';
import { expect } from 'vitest';

/**
 * Rules about a whole page, which a single component cannot meet: landmarks, and a heading of the first
 * level.
 */
const PAGE_RULES = ['region', 'landmark-one-main', 'page-has-heading-one'];

/**
 * No rule of axe is broken in light or in dark colours, and nothing is wider than the element that holds it.
 */
export async function expectAccessible(element: HTMLElement): Promise<void> {
  const root = document.documentElement;
  const rules = Object.fromEntries(PAGE_RULES.map((rule) => [rule, { enabled: false }]));
  for (const theme of ['light', 'dark']) {
    root.dataset.theme = theme;
    const { violations } = await axe.run(element, { rules });
    const broken = violations.map(({ id, help, nodes }) => `${id}: ${help} (${nodes[0]?.html ?? ''})`);
    expect(broken, `${theme} colours`).toEqual([]);
  }
  delete root.dataset.theme;
  expect(element.scrollWidth, 'fits its width').toBeLessThanOrEqual(element.clientWidth);
}
