import { useState } from 'react';
import { describe, expect, it } from 'vitest';
import { userEvent } from 'vitest/browser';
import { expectAccessible } from '../testing/expect-accessible.ts';
import { show } from '../testing/show.tsx';
import { CheckBox } from './check-box.tsx';

function Wish({ disabled = false }: { readonly disabled?: boolean }) {
  const [on, setOn] = useState(false);
  return (
    <CheckBox testId="wish" checked={on} disabled={disabled} onChange={setOn}>
      Keep the screen on
    </CheckBox>
  );
}

describe('CheckBox', () => {
  it('is changed by the space bar and by a click on its text', async () => {
    const { element, locator } = show(<Wish />);
    const box = locator.getByRole('checkbox', { name: 'Keep the screen on' });
    await userEvent.tab();
    await userEvent.keyboard(' ');
    await expect.element(box).toBeChecked();
    await locator.getByText('Keep the screen on').click();
    await expect.element(box).not.toBeChecked();
    await expectAccessible(element);
  });

  it('stays as it is while it is disabled', async () => {
    const { locator } = show(<Wish disabled />);
    await expect.element(locator.getByRole('checkbox')).toBeDisabled();
  });
});
