import { useState } from 'react';
import { describe, expect, it, vi } from 'vitest';
import { userEvent } from 'vitest/browser';
import { expectAccessible } from '../testing/expect-accessible.ts';
import { show } from '../testing/show.tsx';
import { Field, Fields } from './field.tsx';

describe('Field', () => {
  it('is found by its label, takes what is typed, and shows its unit', async () => {
    function Price() {
      const [value, setValue] = useState('');
      return <Field label="Price" unit="ETH" testId="price" value={value} onChange={setValue} />;
    }
    const { element, locator } = show(<Price />);
    const input = locator.getByLabelText('Price');
    await userEvent.tab();
    await expect.element(input).toHaveFocus();
    await userEvent.keyboard('0.25');
    await expect.element(input).toHaveValue('0.25');
    await expect.element(locator.getByText('ETH')).toBeVisible();
    await expectAccessible(element);
  });

  it('takes nothing while it is disabled', async () => {
    const change = vi.fn();
    const { element, locator } = show(
      <Field compact disabled label="Pledge" testId="pledge" value="1" onChange={change} />,
    );
    await expect.element(locator.getByLabelText('Pledge')).toBeDisabled();
    await userEvent.keyboard('2');
    expect(change).not.toHaveBeenCalled();
    await expectAccessible(element);
  });
});

describe('Fields', () => {
  it('says which part of a draft has changed', async () => {
    const change = vi.fn();
    const { locator } = show(
      <Fields
        fields={[
          { name: 'steps', label: 'Steps', testId: 'steps' },
          { name: 'rate', label: 'Rate', testId: 'rate', disabled: true },
        ]}
        draft={{ steps: '2', rate: '1' }}
        onChange={change}
      />,
    );
    await locator.getByLabelText('Steps').fill('20');
    expect(change).toHaveBeenLastCalledWith('steps', '20');
    await expect.element(locator.getByLabelText('Rate')).toBeDisabled();
  });
});
