import { expect, it } from 'vitest';
import { expectAccessible } from '../testing/expect-accessible.ts';
import { show } from '../testing/show.tsx';
import { OpenedPart } from './opened-part.tsx';
import { type Openable, useOpened } from './use-opened.ts';

function Part({ openable }: { readonly openable: Openable<string> }) {
  return (
    <OpenedPart opened={useOpened(openable)} testId="failure">
      {(value) => <p>It is {value}.</p>}
    </OpenedPart>
  );
}

it('waits, and shows what was opened', async () => {
  let opened: (value: string) => void = () => undefined;
  const openable = {
    open: () =>
      new Promise<string>((resolve) => {
        opened = resolve;
      }),
  };
  const { element, locator } = show(<Part openable={openable} />);
  await expect.element(locator.getByText('Opening…')).toBeVisible();
  opened('here');
  await expect.element(locator.getByText('It is here.')).toBeVisible();
  await expectAccessible(element);
});

it('says why nothing could be opened, and tries again when it is told to', async () => {
  let isUsed = true;
  const openable = {
    open: async () => {
      if (isUsed) throw new Error('Another tab uses the key.');
      return 'free';
    },
  };
  const { element, locator } = show(<Part openable={openable} />);
  await expect.element(locator.getByTestId('failure')).toHaveTextContent('Another tab uses the key.');
  await expectAccessible(element);
  isUsed = false;
  await locator.getByText('Try again').click();
  await expect.element(locator.getByText('It is free.')).toBeVisible();
});
