import { describe, expect, it } from 'vitest';
import { userEvent } from 'vitest/browser';
import { expectAccessible } from '../testing/expect-accessible.ts';
import { show } from '../testing/show.tsx';
import { Disclosure, Empty, Fact, HexText, Section } from './section.tsx';

const ADDRESS = '0x52908400098527886e0f7030069857d2e4169ee7';

describe('Section', () => {
  it('is a region with the name of its heading', async () => {
    const { element, locator } = show(
      <Section title="Your work" about="One statement per round.">
        <Empty>No round yet.</Empty>
      </Section>,
    );
    const region = locator.getByRole('region', { name: 'Your work' });
    await expect.element(region).toHaveTextContent('No round yet.');
    await expectAccessible(element);
  });

  it('names each value of a list', async () => {
    const { element, locator } = show(
      <dl>
        <Fact name="Device" testId="device">
          <HexText value={ADDRESS} testId="address" />
        </Fact>
      </dl>,
    );
    await expect.element(locator.getByRole('term')).toHaveTextContent('Device');
    const value = locator.getByTestId('address');
    await expect.element(value).toHaveTextContent('0x5290…9ee7');
    await expect.element(value).toHaveAttribute('title', ADDRESS);
    await expectAccessible(element);
  });
});

describe('Disclosure', () => {
  it('opens and closes by keyboard', async () => {
    const { element, locator } = show(
      <Disclosure summary="All engines tried">
        <p>WebAssembly</p>
      </Disclosure>,
    );
    const hidden = locator.getByText('WebAssembly');
    await expect.element(hidden).not.toBeVisible();
    await userEvent.tab();
    await userEvent.keyboard('{Enter}');
    await expect.element(hidden).toBeVisible();
    await expectAccessible(element);
    await userEvent.keyboard('{Enter}');
    await expect.element(hidden).not.toBeVisible();
  });
});
