import { describe, expect, it, vi } from 'vitest';
import { userEvent } from 'vitest/browser';
import { expectAccessibleOnPhoneToo } from '../testing/expect-accessible.ts';
import { show } from '../testing/show.tsx';
import { ChecksContext } from './checks-context.tsx';
import type { ChecksPort } from './checks-port.ts';
import ChecksScreen from './checks-screen.tsx';
import { CHECK_SCENES, simulatedChecks } from './testing/simulated-checks.ts';

function shown(open: () => Promise<ChecksPort>, claim: number | null = null) {
  return show(
    <ChecksContext value={{ open }}>
      <ChecksScreen claim={claim} />
    </ChecksContext>,
  );
}

describe('ChecksScreen', () => {
  it.each(CHECK_SCENES)(
    'breaks no rule of accessibility in the scene "%s", and fits a phone',
    async (scene) => {
      const { element, locator } = shown(async () => simulatedChecks(scene));
      await expect.element(locator.getByRole('heading', { name: 'Claims' })).toBeVisible();
      await expectAccessibleOnPhoneToo(element);
    },
  );

  it('says that it is opening, and why it cannot', async () => {
    const opening = shown(() => new Promise(() => undefined));
    await expect.element(opening.locator.getByText('Opening…')).toBeVisible();
    const refused = shown(() => Promise.reject(new Error('This network has no contracts.')));
    await expect.element(refused.locator.getByTestId('checks-failure')).toHaveTextContent('no contracts');
  });

  it('waits for the chain, and says when there is nothing or no answer', async () => {
    const reading = shown(async () => simulatedChecks('checks-reading'));
    await expect.element(reading.locator.getByText('Reading the chain…')).toBeVisible();
    const empty = shown(async () => simulatedChecks('checks-empty'));
    await expect.element(empty.locator.getByText('No claim yet.')).toBeVisible();
    const trouble = shown(async () => simulatedChecks('checks-trouble'));
    await expect.element(trouble.locator.getByText(/gave no answer/)).toBeVisible();
  });

  it('shows the standing of each claim and what came out here', async () => {
    const { locator } = shown(async () => simulatedChecks('checks-claims'));
    const standings = ['open', 'upheld', 'challenged', 'lost'];
    const results = ['none', 'same', 'running', 'differs'];
    for (const [id, standing] of standings.entries()) {
      const claim = locator.getByTestId(`claim-${id}`);
      await expect.element(claim).toHaveAttribute('data-standing', standing);
      await expect.element(claim.getByTestId('check')).toHaveAttribute('data-check', results[id] ?? '');
    }
    await expect.element(locator.getByTestId('claim-1')).toHaveTextContent('Upheld: nobody proved it wrong');
    await expect.element(locator.getByTestId('claim-2')).toHaveTextContent('Challenged: 1 game under way.');
  });

  it('checks a claim on request, and shows one claim alone where the address names it', async () => {
    const check = vi.fn(async () => undefined);
    const { locator } = shown(async () => ({ ...simulatedChecks('checks-claims'), check }), 0);
    await expect.element(locator.getByTestId('check-claim')).toBeVisible();
    expect(locator.getByTestId('claim-1').elements()).toEqual([]);
    await locator.getByTestId('check-claim').click();
    expect(check).toHaveBeenCalledExactlyOnceWith(0);
  });

  it('audits when it is told to, by keyboard', async () => {
    const { locator } = shown(async () => simulatedChecks('checks-empty'));
    const auditing = locator.getByRole('checkbox', { name: /^Check every claim/ });
    await expect.element(auditing).not.toBeChecked();
    await userEvent.tab();
    await userEvent.keyboard(' ');
    await expect.element(auditing).toBeChecked();
  });

  it('follows a dispute from the step to the number that the contract computed', async () => {
    const { locator } = shown(async () => simulatedChecks('checks-claims'), 3);
    const game = locator.getByTestId('game-1');
    const level = (name: string) => game.element().querySelector(`[data-level="${name}"]`)?.textContent;
    await expect.element(game.getByTestId('verdict')).toHaveAttribute('data-winner', 'challenger');
    expect(level('step')).toContain('Step 3 of 4');
    expect(level('slot')).toContain('gradient.layers.1.mlp.down_proj');
    expect(level('element')).toContain('Number 778 of 2048');
    await expect
      .element(game.getByTestId('verdict'))
      .toHaveTextContent('the contract computed another number');
  });

  it('says whose move it is while a dispute goes on', async () => {
    const { locator } = shown(async () => simulatedChecks('checks-claims'), 2);
    const now = locator.getByTestId('game-now');
    await expect.element(now).toHaveTextContent('Looking for the first step that differs: one of 4');
    await expect.element(now).toHaveTextContent('The move is the claimant’s, for 5 min more.');
  });
});
