import { expect, it } from 'vitest';
import { expectAccessible } from '../testing/expect-accessible.ts';
import { show } from '../testing/show.tsx';
import { ProgressBar } from './progress-bar.tsx';

it('says its share in whole percent, and never more than all', async () => {
  const { element, locator, update } = show(<ProgressBar share={0.254} label="Pledged" />);
  const bar = locator.getByRole('progressbar', { name: 'Pledged' });
  await expect.element(bar).toHaveAttribute('aria-valuenow', '25');
  await expectAccessible(element);
  update(<ProgressBar share={1.7} label="Pledged" />);
  await expect.element(bar).toHaveAttribute('aria-valuenow', '100');
});
