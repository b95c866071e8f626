import { expect, it, vi } from 'vitest';
import { expectAccessible } from '../testing/expect-accessible.ts';
import { show } from '../testing/show.tsx';
import { ErrorBoundary } from './error-boundary.tsx';

function Failing(): never {
  throw new Error('the chunk is gone');
}

it('names the part that failed and why, and leaves the rest', async () => {
  // React reports the error to the console, which is not what this test is about.
  const report = vi.spyOn(console, 'error').mockImplementation(() => undefined);
  const { element, locator } = show(
    <>
      <p>The rest</p>
      <ErrorBoundary what="The chart">
        <Failing />
      </ErrorBoundary>
    </>,
  );
  await expect.element(locator.getByRole('status')).toHaveTextContent('The chart cannot be shown');
  await expect.element(locator.getByRole('status')).toHaveTextContent('the chunk is gone');
  await expect.element(locator.getByRole('button', { name: 'Reload the page' })).toBeEnabled();
  await expect.element(locator.getByText('The rest')).toBeVisible();
  await expectAccessible(element);
  report.mockRestore();
});
