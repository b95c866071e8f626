import { describe, expect, it } from 'vitest';
import { userEvent } from 'vitest/browser';
import { expectAccessible } from '../testing/expect-accessible.ts';
import { show } from '../testing/show.tsx';
import { ChartWithTable } from './chart-with-table.tsx';
import { countAxis, PLOT_BASE, type PlotLook } from './use-plot.ts';

const options = (look: PlotLook) => ({
  ...PLOT_BASE,
  scales: { x: { time: false } },
  axes: [countAxis(look), look.axis],
  series: [{}, { stroke: look.colour('--accent'), width: 4 }],
});

const CHART = (
  <ChartWithTable
    data={[
      [1, 2, 3],
      [5, 4, 3],
    ]}
    options={options}
    label="The loss went from 5 to 3."
    testId="chart"
    table={{
      label: 'Loss by step',
      columns: ['Step', 'Loss'],
      rows: [
        ['3', '3.000'],
        ['2', '4.000'],
        ['1', '5.000'],
      ],
    }}
  />
);

/** Counts the pixels of the chart that have a colour of the page. */
function pixelsOf(element: HTMLElement, name: string): number {
  const canvas = element.querySelector('canvas');
  const context = canvas?.getContext('2d');
  if (canvas === null || context == null) return 0;
  const wanted = document.createElement('canvas').getContext('2d');
  if (wanted === null) throw new Error('This browser has no canvas.');
  wanted.fillStyle = getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  wanted.fillRect(0, 0, 1, 1);
  const [red, green, blue] = wanted.getImageData(0, 0, 1, 1).data;
  const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
  let count = 0;
  for (let i = 0; i < data.length; i += 4) {
    if (data[i] === red && data[i + 1] === green && data[i + 2] === blue && data[i + 3] === 255) count += 1;
  }
  return count;
}

describe('ChartWithTable', () => {
  it('draws in the colours of the page, and again when they change', async () => {
    const { element, locator } = show(CHART);
    await expect.element(locator.getByRole('img', { name: 'The loss went from 5 to 3.' })).toBeVisible();
    await expect.poll(() => pixelsOf(element, '--accent')).toBeGreaterThan(100);
    document.documentElement.dataset.theme = 'dark';
    expect(pixelsOf(element, '--accent')).toBe(0);
    window.dispatchEvent(new Event('starling:theme'));
    await expect.poll(() => pixelsOf(element, '--accent')).toBeGreaterThan(100);
    delete document.documentElement.dataset.theme;
    window.dispatchEvent(new Event('starling:theme'));
  });

  it('follows the width of its place', async () => {
    const { element } = show(CHART);
    const width = () => element.querySelector('canvas')?.clientWidth ?? 0;
    await expect.poll(width).toBeGreaterThan(600);
    element.style.width = '320px';
    await expect.poll(width).toBeLessThanOrEqual(320);
  });

  it('has the same numbers as a table that the keyboard reaches', async () => {
    const { element, locator } = show(CHART);
    await expect.element(locator.getByText('The same as a table')).toBeVisible();
    await userEvent.tab();
    await userEvent.keyboard('{Enter}');
    await expect.element(locator.getByRole('columnheader', { name: 'Loss' })).toBeVisible();
    await expect.element(locator.getByRole('cell', { name: '4.000' })).toBeVisible();
    await userEvent.tab();
    await expect.element(locator.getByRole('region', { name: 'Loss by step' })).toHaveFocus();
    await expectAccessible(element);
  });
});
