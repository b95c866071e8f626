import { describe, expect, it } from 'vitest';
import { userEvent } from 'vitest/browser';
import { expectAccessible } from '../testing/expect-accessible.ts';
import { show } from '../testing/show.tsx';
import { ActionButton } from './action-button.tsx';

/** An action that ends when the test says so. */
function held() {
  let end: (error?: Error) => void = () => undefined;
  const action = () =>
    new Promise<void>((resolve, reject) => {
      end = (error) => (error === undefined ? resolve() : reject(error));
    });
  return { action, end: (error?: Error) => end(error) };
}

describe('ActionButton', () => {
  it('says what goes on, and cannot be pressed twice', async () => {
    const { action, end } = held();
    const { element, locator } = show(
      <ActionButton busyText="Settling…" action={action}>
        Settle
      </ActionButton>,
    );
    const button = locator.getByRole('button', { name: 'Settle' });
    await userEvent.tab();
    await userEvent.keyboard('{Enter}');
    await expect.element(button).toBeDisabled();
    await expect.element(locator.getByRole('status')).toHaveTextContent('Settling…');
    end();
    await expect.element(button).toBeEnabled();
    await expect.element(locator.getByRole('status')).toBeEmptyDOMElement();
    await expectAccessible(element);
  });

  it('says why it failed, in the words it is given, until it is tried again', async () => {
    const { action, end } = held();
    const { element, locator } = show(
      <ActionButton busyText="Asking…" action={action} explain={(error) => `It said: ${error}`}>
        Ask
      </ActionButton>,
    );
    const button = locator.getByRole('button', { name: 'Ask' });
    await button.click();
    end(new Error('no'));
    await expect.element(locator.getByRole('status')).toHaveTextContent('It said: Error: no');
    await expectAccessible(element);
    await button.click();
    await expect.element(locator.getByRole('status')).toHaveTextContent('Asking…');
    end();
  });

  it('shows the message of an error unless it is told otherwise', async () => {
    const { locator } = show(
      <ActionButton busyText="" action={() => Promise.reject(new Error('The node is down.'))}>
        Send
      </ActionButton>,
    );
    await locator.getByRole('button').click();
    await expect.element(locator.getByRole('status')).toHaveTextContent('The node is down.');
  });
});
