import { describe, expect, it, vi } from 'vitest';
import { expectAccessible, expectAccessibleOnPhoneToo } from '../testing/expect-accessible.ts';
import { show } from '../testing/show.tsx';
import { SIMULATED_NETWORK } from '../volunteer/testing/simulated-network.ts';
import { simulatedVolunteer } from '../volunteer/testing/simulated-volunteer.ts';
import { VolunteerProvider } from '../volunteer/volunteer-context.tsx';
import { followVolunteer } from '../volunteer/volunteer-store.ts';
import { announceWallet } from '../wallet/testing/announce-wallet.ts';
import { JobsContext } from './jobs-context.tsx';
import type { JobsPort } from './jobs-port.ts';
import JobsScreen from './jobs-screen.tsx';
import { JOB_SCENES, simulatedJobs } from './testing/simulated-jobs.ts';
import { SOMEBODY, UNKNOWN_TOKEN } from './testing/tasks.ts';

function shown(open: () => Promise<JobsPort>, job: number | null = null) {
  const volunteer = simulatedVolunteer('returning', Date.now);
  const { element, locator } = show(
    <VolunteerProvider volunteer={volunteer} store={followVolunteer(volunteer).store}>
      <JobsContext value={{ open }}>
        <JobsScreen job={job} />
      </JobsContext>
    </VolunteerProvider>,
  );
  return { element, locator, button: (text: string) => locator.getByRole('button', { name: text }) };
}

describe('JobsScreen', () => {
  it.each(JOB_SCENES)(
    'breaks no rule of accessibility in the scene "%s", and fits a phone',
    async (scene) => {
      const { element, locator } = shown(async () => simulatedJobs(scene));
      await expect.element(locator.getByRole('heading', { name: 'Tasks' })).toBeVisible();
      await expectAccessibleOnPhoneToo(element);
    },
  );

  it('says that it is opening, and why it cannot', async () => {
    const opening = shown(() => new Promise(() => undefined));
    await expect.element(opening.locator.getByText('Opening…')).toBeVisible();
    const refused = shown(() => Promise.reject(new Error('Another tab uses this device’s key.')));
    await expect.element(refused.locator.getByTestId('jobs-failure')).toHaveTextContent('Another tab uses');
  });

  it('waits for the chain, and says when there is nothing or no answer', async () => {
    const reading = shown(async () => simulatedJobs('jobs-reading'));
    await expect.element(reading.locator.getByText('Reading the chain…')).toBeVisible();
    const empty = shown(async () => simulatedJobs('jobs-empty'));
    await expect.element(empty.locator.getByText('No task yet.')).toBeVisible();
    const trouble = shown(async () => simulatedJobs('jobs-trouble'));
    await expect.element(trouble.locator.getByText(/gave no answer/)).toBeVisible();
  });

  it('asks for older tasks, and follows the one task that it is opened with', async () => {
    const port = simulatedJobs('jobs-tasks');
    const asked = { ...port, showOlder: vi.fn(), follow: vi.fn() };
    const all = shown(async () => asked);
    await expect.element(all.locator.getByTestId('task-0')).toBeVisible();
    await expect.element(all.button('Show older tasks')).not.toBeInTheDocument();
    asked.store.setState(({ chain }) => ({ chain: chain === null ? null : { ...chain, hasOlder: true } }));
    await all.button('Show older tasks').click();
    expect(asked.showOlder).toHaveBeenCalledOnce();
    expect(asked.follow).toHaveBeenLastCalledWith({ account: null, campaign: null });
    shown(async () => asked, 3);
    await expect.poll(() => asked.follow.mock.lastCall).toEqual([{ account: null, campaign: 3n }]);
  });

  it('shows where each task stands and what comes next', async () => {
    const { locator } = shown(async () => simulatedJobs('jobs-tasks'));
    const task = (id: number) => locator.getByTestId(`task-${id}`);
    await expect.element(task(0)).toHaveAttribute('data-state', 'raising');
    await expect
      .element(task(0).getByRole('progressbar', { name: 'Pledged' }))
      .toHaveAttribute('aria-valuenow', '50');
    await expect.element(task(1)).toHaveAttribute('data-state', 'failed');
    await expect.element(task(2).getByTestId('work')).toBeEnabled();
    await expect.element(task(3)).toHaveTextContent('1 in dispute');
    await expect.element(task(4).getByTestId('task-model')).toBeEnabled();
  });

  it('shows one task alone where the address names it', async () => {
    const { locator } = shown(async () => simulatedJobs('jobs-tasks'), 2);
    await expect.element(locator.getByTestId('task-2')).toBeVisible();
    expect(locator.getByTestId('task-0').elements()).toEqual([]);
  });

  it('shows no amount and no button for a task in a token that it does not know', async () => {
    const { locator } = shown(async () => simulatedJobs('jobs-unknown-token'));
    for (const id of [0, 1]) {
      const task = locator.getByTestId(`task-${id}`);
      await expect.element(task.getByTestId('unknown-token')).toHaveTextContent(UNKNOWN_TOKEN);
      expect(task.element().textContent).not.toContain('ETH');
      expect(task.getByRole('button').elements()).toEqual([]);
    }
  });

  it('begins work under a bond above the price only after a yes to that bond', async () => {
    const work = vi.fn(async (_job: bigint, _acceptedBond?: bigint) => undefined);
    const jobs = simulatedJobs('jobs-tasks');
    const { chain } = jobs.store.getState();
    if (chain === null) throw new Error('the scene has tasks');
    const fundings = chain.fundings.map((each) => ({
      ...each,
      order: { ...each.order, bond: 2n * each.order.price },
    }));
    jobs.store.setState({ chain: { ...chain, fundings } });
    const { locator } = shown(async () => ({ ...jobs, work }));
    const task = locator.getByTestId('task-2');
    await expect.element(task.getByTestId('work')).toBeDisabled();
    await task.getByTestId('accept-bond').click();
    await task.getByTestId('work').click();
    await expect.poll(() => work.mock.calls).toEqual([[2n, 2n * 10n ** 17n]]);
  });

  it('shows the work of this device and why the last one failed', async () => {
    const { locator } = shown(async () => simulatedJobs('jobs-working'));
    await expect.element(locator.getByTestId('working')).toHaveTextContent('Training: step 7 of 20');
    await expect
      .element(locator.getByTestId('work-failure'))
      .toHaveTextContent('Another worker has this job');
  });

  it('lets a connected wallet propose a task, and says what is wrong with a draft', async () => {
    announceWallet({ account: SOMEBODY, chainId: SIMULATED_NETWORK.chainId });
    const propose = vi.fn(async () => 0n);
    const { element, locator, button } = shown(async () => ({ ...simulatedJobs('jobs-tasks'), propose }));
    await expect.element(locator.getByTestId('pledge')).toBeDisabled();
    await button('Test wallet').click();
    await expect.element(locator.getByTestId('payer')).toHaveAttribute('data-value', SOMEBODY);
    await locator.getByTestId('pledge-amount').fill('0.01');
    await expect.element(locator.getByTestId('pledge')).toBeEnabled();

    await button('Propose a task').click();
    await locator.getByLabelText('Training steps').fill('0');
    await expect.element(locator.getByTestId('propose-problem')).toHaveTextContent('a whole number from 1');
    await expect.element(button('Start collecting')).toBeDisabled();
    await expectAccessible(element);
    await locator.getByLabelText('Training steps').fill('4');
    await button('Start collecting').click();
    await expect.poll(() => propose.mock.calls.length).toBe(1);
    expect(propose.mock.calls[0]).toMatchObject([{ steps: 4, price: 10n ** 17n }, { address: SOMEBODY }]);
    await expect.element(button('Propose a task')).toBeVisible();
    await button('Disconnect').click();
  });
});
