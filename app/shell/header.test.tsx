import { describe, expect, it } from 'vitest';
import { userEvent } from 'vitest/browser';
import { expectAccessibleOnPhoneToo } from '../testing/expect-accessible.ts';
import { show } from '../testing/show.tsx';
import { simulatedVolunteer } from '../volunteer/testing/simulated-volunteer.ts';
import { VolunteerProvider } from '../volunteer/volunteer-context.tsx';
import { followVolunteer } from '../volunteer/volunteer-store.ts';
import { Header } from './header.tsx';

async function shown() {
  const volunteer = simulatedVolunteer('fresh', Date.now);
  const { store } = followVolunteer(volunteer);
  await volunteer.open();
  return show(
    <VolunteerProvider volunteer={volunteer} store={store}>
      <Header screen="jobs" />
    </VolunteerProvider>,
  );
}

describe('Header', () => {
  it('names the network and the screen that is shown', async () => {
    const { element, locator } = await shown();
    await expect.element(locator.getByTestId('network')).toHaveTextContent('Local network');
    await expect.element(locator.getByRole('link', { name: 'Jobs' })).toHaveAttribute('aria-current', 'page');
    await expect.element(locator.getByRole('link', { name: 'Checks' })).not.toHaveAttribute('aria-current');
    await expectAccessibleOnPhoneToo(element);
  });

  it('changes the colours by keyboard, from the system’s to light, dark and back', async () => {
    const { locator } = await shown();
    const { dataset } = document.documentElement;
    const button = locator.getByTestId('theme');
    await expect.element(button).toHaveAccessibleName('Colours: system. Change to light.');
    button.element().focus();
    await userEvent.keyboard('{Enter}');
    expect(dataset.theme).toBe('light');
    await userEvent.keyboard('{Enter}');
    expect(dataset.theme).toBe('dark');
    expect(localStorage.getItem('starling.theme')).toBe('dark');
    await userEvent.keyboard('{Enter}');
    expect(dataset.theme).toBeUndefined();
    expect(localStorage.getItem('starling.theme')).toBeNull();
  });
});
