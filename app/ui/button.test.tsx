import { describe, expect, it, vi } from 'vitest';
import { userEvent } from 'vitest/browser';
import { expectAccessible } from '../testing/expect-accessible.ts';
import { show } from '../testing/show.tsx';
import { Button } from './button.tsx';

const LOOKS = ['primary', 'main', 'plain', 'small', 'text'] as const;

describe('Button', () => {
  it('is pressed by keyboard and by pointer, and not while it is disabled', async () => {
    const press = vi.fn();
    const { locator, update } = show(<Button onClick={press}>Start</Button>);
    const button = locator.getByRole('button', { name: 'Start' });
    await userEvent.tab();
    await expect.element(button).toHaveFocus();
    await userEvent.keyboard('{Enter}');
    await userEvent.keyboard(' ');
    await button.click();
    expect(press).toHaveBeenCalledTimes(3);
    update(
      <Button disabled onClick={press}>
        Start
      </Button>,
    );
    await expect.element(button).toBeDisabled();
    await userEvent.keyboard('{Enter}');
    expect(press).toHaveBeenCalledTimes(3);
  });

  it('submits no form unless it is told to', async () => {
    const submit = vi.fn((event: { preventDefault(): void }) => event.preventDefault());
    const { locator } = show(
      <form onSubmit={submit}>
        <Button>Plain</Button>
        <Button type="submit">Send</Button>
      </form>,
    );
    await locator.getByRole('button', { name: 'Plain' }).click();
    expect(submit).not.toHaveBeenCalled();
    await locator.getByRole('button', { name: 'Send' }).click();
    expect(submit).toHaveBeenCalledOnce();
  });

  it('can be read and pressed by a finger in every look', async () => {
    const { element } = show(
      LOOKS.map((look) => (
        <Button key={look} look={look}>
          {look}
        </Button>
      )),
    );
    await expect.poll(() => element.querySelectorAll('button').length).toBe(LOOKS.length);
    for (const button of element.querySelectorAll('button')) {
      // WCAG 2.2, target size (minimum): 24 CSS pixels.
      expect(button.getBoundingClientRect().height).toBeGreaterThanOrEqual(24);
    }
    await expectAccessible(element);
  });
});
