import { describe, expect, it } from 'vitest';
import { userEvent } from 'vitest/browser';
import { expectAccessible } from '../testing/expect-accessible.ts';
import { show } from '../testing/show.tsx';
import { FoldedText } from './folded-text.tsx';

const LONG = Array.from({ length: 1000 }, (_, n) => `word${n}`).join(' ');

describe('FoldedText', () => {
  it('shows a short text as it is', async () => {
    const { element, locator } = show(<FoldedText text="3 and 4 make 7" what="reasoning" />);
    expect(element.textContent).toBe('3 and 4 make 7');
    expect(locator.getByRole('button').elements()).toEqual([]);
  });

  it('shows the beginning of a long text, and the rest by keyboard', async () => {
    const { element, locator } = show(<FoldedText text={LONG} what="reasoning" testId="text" />);
    expect(locator.getByTestId('text').element().textContent?.length).toBeLessThan(170);
    const button = locator.getByRole('button', { name: 'All 1000 words of this reasoning' });
    await expect.element(button).toHaveAttribute('aria-expanded', 'false');
    await expectAccessible(element);
    button.element().focus();
    await userEvent.keyboard('{Enter}');
    expect(locator.getByTestId('text').element().textContent).toBe(LONG);
    await expectAccessible(element);
    await userEvent.keyboard('{Enter}');
    expect(locator.getByTestId('text').element().textContent?.length).toBeLessThan(170);
  });
});
