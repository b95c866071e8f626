import { describe, expect, it, vi } from 'vitest';
import { userEvent } from 'vitest/browser';
import { expectAccessible } from '../testing/expect-accessible.ts';
import { show } from '../testing/show.tsx';
import { Select } from './select.tsx';

const OPTIONS = [
  { value: 'auto', text: 'the fastest that is exact' },
  { value: 'wasm', text: 'WebAssembly' },
] as const;

function engines(onChange: (value: 'auto' | 'wasm') => void, disabled = false) {
  return (
    <>
      <label htmlFor="engine">Compute with</label>
      <Select
        id="engine"
        testId="engine"
        value="auto"
        options={OPTIONS}
        disabled={disabled}
        onChange={onChange}
        className="min-h-10 text-note"
      />
    </>
  );
}

describe('Select', () => {
  it('reports the value of the option that is chosen', async () => {
    const change = vi.fn();
    const { element, locator } = show(engines(change));
    const select = locator.getByLabelText('Compute with');
    await expect.element(select).toHaveValue('auto');
    await userEvent.selectOptions(select, 'WebAssembly');
    expect(change).toHaveBeenCalledExactlyOnceWith('wasm');
    await expectAccessible(element);
  });

  it('cannot be changed while it is disabled', async () => {
    const { locator } = show(engines(() => undefined, true));
    await expect.element(locator.getByLabelText('Compute with')).toBeDisabled();
  });
});
