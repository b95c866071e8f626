import { describe, expect, it, vi } from 'vitest';
import { userEvent } from 'vitest/browser';
import { fullSpec, smallSpec } from '../../protocol/testing/sample-swarm-specs.ts';
import { expectAccessible, expectAccessibleOnPhoneToo } from '../testing/expect-accessible.ts';
import { show } from '../testing/show.tsx';
import { SIMULATED_NETWORK } from '../volunteer/testing/simulated-network.ts';
import { simulatedVolunteer } from '../volunteer/testing/simulated-volunteer.ts';
import { VolunteerProvider } from '../volunteer/volunteer-context.tsx';
import { followVolunteer } from '../volunteer/volunteer-store.ts';
import { announceWallet } from '../wallet/testing/announce-wallet.ts';
import SwarmPage from './swarm-page.tsx';
import { SwarmsContext } from './swarms-context.tsx';
import type { SwarmsPort } from './swarms-port.ts';
import SwarmsScreen from './swarms-screen.tsx';
import { SWARM_SCENES, simulatedSwarms } from './testing/simulated-swarms.ts';

const ACCOUNT = `0x${'11'.repeat(20)}` as const;

async function shown(swarms: SwarmsPort, link?: { readonly chainId: number; readonly swarm: number }) {
  const volunteer = simulatedVolunteer('returning', Date.now);
  const join = vi.fn(volunteer.join);
  const joining = { ...volunteer, join };
  const { store } = followVolunteer(joining);
  await volunteer.open();
  const { element, locator } = show(
    <VolunteerProvider volunteer={joining} store={store}>
      <SwarmsContext value={{ open: async () => swarms }}>
        {link === undefined ? <SwarmsScreen engine="auto" /> : <SwarmPage engine="auto" {...link} />}
      </SwarmsContext>
    </VolunteerProvider>,
  );
  return { element, locator, join };
}

const jsonl = (...rows: readonly object[]) =>
  new File([rows.map((row) => `${JSON.stringify(row)}\n`).join('')], 'ants.jsonl');

describe('SwarmsScreen', () => {
  it.each(SWARM_SCENES)(
    'breaks no rule of accessibility in the scene "%s", and fits a phone',
    async (scene) => {
      const { element, locator } = await shown(simulatedSwarms(scene));
      await expect.element(locator.getByRole('heading', { name: 'Swarms' })).toBeVisible();
      await expectAccessibleOnPhoneToo(element);
    },
  );

  it('shows what each swarm trains, how it does and what a round takes here', async () => {
    const { locator } = await shown(simulatedSwarms('swarms-list'));
    const swarm = locator.getByTestId('swarm-1');
    await expect.element(swarm).toHaveTextContent('All weights of nano');
    await expect.element(swarm.getByTestId('swarm-members')).toHaveTextContent('5 devices at work now');
    await expect.element(swarm.getByTestId('swarm-held-out')).toHaveTextContent(/21 % in round 380/);
    await expect.element(swarm.getByTestId('swarm-cost')).toHaveTextContent(/210 MB of memory, and 398 kB/);
    await swarm.getByTestId('swarm-measure').click();
    await expect.element(swarm.getByTestId('swarm-cost')).toHaveTextContent('About 6 s of computing');
    await expect
      .element(swarm.getByTestId('swarm-took'))
      .toHaveTextContent(
        'Predicted: about 6.0 s and about 210 MB of memory a round. The last 3 rounds here took 8.0 s (7.0 s to 9.0 s) of computing and at most 190 MB of memory.',
      );
    const fresh = locator.getByTestId('swarm-0');
    await expect.element(fresh.getByTestId('swarm-took')).not.toBeInTheDocument();
    await expect.element(fresh).toHaveTextContent('No member’s figures are known');
  });

  it('says which blocks this device would keep where a swarm trains in blocks, and what they take', async () => {
    const { locator } = await shown(simulatedSwarms('swarms-list'));
    const cost = locator.getByTestId('swarm-4').getByTestId('blocks-cost');
    await expect.element(cost).toHaveTextContent('cut into 3 blocks of 6.72 MB of storage in all');
    await expect.element(cost).toHaveTextContent('storage for 2 of them at most');
    await cost.getByText('Block by block').click();
    await expect.element(cost).toHaveTextContent('Layer 12.24 MB of storage, 9.6 MB of memory');
    const none = {
      ...simulatedSwarms('swarms-list'),
      blocksCost: () => Promise.reject(new Error('No config.')),
    };
    await expect.element((await shown(none)).locator.getByText('No config.')).toBeVisible();
  });

  it('says why a swarm cannot be joined, before anything is fetched', async () => {
    const { locator } = await shown(simulatedSwarms('swarms-list'));
    for (const id of [2, 3]) {
      const swarm = locator.getByTestId(`swarm-${id}`);
      await expect.element(swarm.getByTestId('swarm-problem')).toBeVisible();
      await expect.element(swarm.getByTestId('swarm-join')).toBeDisabled();
    }
  });

  it('joins with one click', async () => {
    const { locator, join } = await shown(simulatedSwarms('swarms-list'));
    await locator.getByTestId('swarm-1').getByTestId('swarm-join').click();
    expect(join).toHaveBeenCalledExactlyOnceWith(1, 'auto');
    await expect.element(locator.getByTestId('swarm-1')).toHaveTextContent('You contribute here.');
  });
});

describe('starting a swarm', () => {
  it('names every mistake in a file with its line, and shows the price before the wallet is asked', async () => {
    announceWallet({ account: ACCOUNT, chainId: SIMULATED_NETWORK.chainId });
    const open = vi.fn(async (..._asked: Parameters<SwarmsPort['open']>) => 7);
    const { element, locator } = await shown({ ...simulatedSwarms('swarms-empty'), open });
    await locator.getByTestId('start-swarm').click();
    await expect.element(locator.getByTestId('start-problem')).toHaveTextContent('Give the swarm a name.');
    await locator.getByTestId('start-name').fill('Legs of ants');
    await locator.getByTestId('start-description').fill('Small sums in words.');
    await expect.element(locator.getByTestId('start-problem')).toHaveTextContent('Choose tasks');

    const bad = jsonl({ prompt: 'a', answer: '1' }, { question: 'b' }, { question: 'c' });
    await userEvent.upload(locator.getByTestId('start-file'), bad);
    await expect.element(locator.getByTestId('start-mistakes')).toHaveTextContent(/Line 2: .*Line 3: /);
    await expect.element(locator.getByTestId('start-problem')).toHaveTextContent('Correct the file');
    await expectAccessibleOnPhoneToo(element);

    const good = jsonl({ prompt: 'a', answer: '1' }, { prompt: 'b', answer: '2' });
    await userEvent.upload(locator.getByTestId('start-file'), good);
    await expect
      .element(locator.getByTestId('start-questions'))
      .toHaveTextContent('1 question to train on, and 1 held out');
    await locator.getByRole('button', { name: 'Test wallet' }).click();
    await expect.element(locator.getByTestId('start-price')).toHaveTextContent('at most about 0.00036 ETH');
    expect(open).not.toHaveBeenCalled();
    await expectAccessible(element);
    await locator.getByTestId('start-open').click();
    await expect.element(locator.getByTestId('start-done')).toHaveTextContent('as number 7');
    const [prepared, files, queue] = open.mock.calls[0] ?? [];
    expect(prepared?.spec).toMatchObject({ name: 'Legs of ants', startedBy: ACCOUNT });
    expect([...(files?.values() ?? [])].map(({ length }) => length)).toEqual([good.size]);
    expect(queue?.address).toBe(ACCOUNT);
    await expect
      .element(locator.getByTestId('swarm-link'))
      .toHaveAttribute('data-value', expect.stringMatching(/#\/swarm\/31337\/7$/));
    await expect.element(locator.getByRole('img', { name: /^QR code of http/ })).toBeVisible();
    await expectAccessible(element);
  });

  it('takes tasks of the catalogue by difficulty, and every setting has a sentence', async () => {
    const { element, locator } = await shown(simulatedSwarms('swarms-empty'));
    await locator.getByTestId('start-swarm').click();
    await locator.getByTestId('start-task-chain-sum').click();
    await locator.getByTestId('start-task-chain-sum-1').click();
    await locator.getByTestId('start-more-tasks').click();
    await expect.element(locator.getByTestId('start-task-sequences')).toBeVisible();
    await locator.getByText('Look at them, and change them').click();
    await expect
      .element(locator.getByTestId('start-temperature'))
      .toHaveAccessibleDescription(/How freely answers are drawn/);
    await locator.getByTestId('start-trained').selectOptions('adapters');
    await expect.element(locator.getByTestId('start-rank')).toBeVisible();
    await expectAccessibleOnPhoneToo(element);
  });

  it('says that this device itself could not take part, with the reason', async () => {
    const whyNotHere = () => 'The model has 40 GB, and this device can hold 1 GB.';
    const { locator } = await shown({ ...simulatedSwarms('swarms-empty'), whyNotHere });
    await locator.getByTestId('start-swarm').click();
    await locator.getByTestId('start-name').fill('Large');
    await locator.getByTestId('start-description').fill('Too large for here.');
    await locator.getByTestId('start-task-chain-sum').click();
    await expect.element(locator.getByTestId('start-not-here')).toHaveTextContent('has 40 GB');
  });

  it('refuses a file that is too large to pass on', async () => {
    const { locator } = await shown(simulatedSwarms('swarms-empty'));
    await locator.getByTestId('start-swarm').click();
    const large = new File([new Uint8Array(2 ** 20 + 1)], 'large.jsonl');
    await userEvent.upload(locator.getByTestId('start-file'), large);
    await expect
      .element(locator.getByTestId('start-file-refused'))
      .toHaveTextContent('large.jsonl has 1.05 MB');
  });
});

describe('a swarm’s link', () => {
  const chainId = SIMULATED_NETWORK.chainId;

  it('says what the swarm trains, for whom and how it does, before the button', async () => {
    const { element, locator, join } = await shown(simulatedSwarms('swarms-measured'), { chainId, swarm: 1 });
    const landing = locator.getByTestId('swarm-landing');
    await expect.element(landing).toHaveTextContent('Trains all weights of nano');
    await expect.element(landing).toHaveTextContent('Anybody with a browser can join');
    await expect.element(locator.getByTestId('swarm-round')).toHaveTextContent('412, a new one every 20 s');
    await expectAccessibleOnPhoneToo(element);
    await locator.getByTestId('swarm-contribute').click();
    expect(join).toHaveBeenCalledExactlyOnceWith(1, 'auto');
  });

  it('says that another chain, or a number that the chain does not know, is not here', async () => {
    const other = await shown(simulatedSwarms('swarms-list'), { chainId: 1, swarm: 1 });
    await expect
      .element(other.locator.getByTestId('swarm-not-here'))
      .toHaveTextContent('a swarm on chain 1,');
    await expectAccessibleOnPhoneToo(other.element);
    const unknown = await shown(simulatedSwarms('swarms-list'), { chainId, swarm: 99 });
    await expect
      .element(unknown.locator.getByTestId('swarm-not-here'))
      .toHaveTextContent('no swarm of the number 99');
  });

  it('takes the folder of a model without addresses, and says what is wrong with another one', async () => {
    const swarms = simulatedSwarms('swarms-list');
    const [first] = swarms.store.getState().swarms ?? [];
    const file = { path: 'config.json', size: 600, sha256: `0x${'3d'.repeat(32)}`, urls: [] } as const;
    const base = { kind: 'files', name: 'parrot', root: `0x${'2c'.repeat(32)}`, files: [file] } as const;
    const spec = { ...smallSpec, base, trained: fullSpec.trained };
    if (first === undefined) throw new Error('The scene has swarms.');
    swarms.store.setState({ swarms: [{ ...first, id: 1, spec, problem: null }] });
    const keepBase = vi
      .fn<SwarmsPort['keepBase']>()
      .mockRejectedValueOnce(new Error('config.json is another file; give the model'))
      .mockResolvedValueOnce();
    const { element, locator } = await shown({ ...swarms, keepBase }, { chainId, swarm: 1 });
    await expect
      .element(locator.getByTestId('model-without-address'))
      .toHaveTextContent('members pass them on');
    // A test cannot choose a folder, so its files are put into the input.
    const choose = () => {
      const input = element.querySelector<HTMLInputElement>('[data-testid="swarm-folder"]');
      const chosen = new DataTransfer();
      chosen.items.add(new File(['{}'], 'config.json'));
      if (input !== null) input.files = chosen.files;
      input?.dispatchEvent(new Event('change', { bubbles: true }));
    };
    choose();
    await expect
      .element(locator.getByTestId('swarm-folder-failure'))
      .toHaveTextContent('config.json is another file; give the model.');
    await expectAccessibleOnPhoneToo(element);
    choose();
    await expect.element(locator.getByTestId('swarm-folder-kept')).toBeVisible();
    expect(keepBase.mock.calls[1]?.[0]).toEqual(base);

    // Weights of more than 1 MiB are passed on where the specification names their manifest.
    const says = async (change: object) => {
      const large = { ...base, files: [{ ...file, size: 2 ** 21, ...change }] };
      const shownNow = swarms.store.getState().swarms ?? [];
      swarms.store.setState({
        swarms: shownNow.map((each) => ({ ...each, spec: { ...spec, base: large } })),
      });
      return expect.element(locator.getByTestId('model-without-address'));
    };
    await (await says({})).toHaveTextContent('too large for members to pass on');
    await (await says({ manifest: 'bafkrei' })).toHaveTextContent('members pass them on');
  });

  it('lets a person bring another model where the swarm does', async () => {
    const swarms = simulatedSwarms('swarms-list');
    const [first] = swarms.store.getState().swarms ?? [];
    if (first === undefined) throw new Error('The scene has swarms.');
    const spec = { ...smallSpec, models: 'any' } as const;
    swarms.store.setState({ swarms: [{ ...first, id: 1, spec, problem: null }] });
    const bring = vi.fn<SwarmsPort['bring']>();
    const { element, locator } = await shown({ ...swarms, bring }, { chainId, swarm: 1 });
    await locator.getByTestId('own-model').selectOptions('Qwen/Qwen2.5-0.5B-Instruct');
    const stored = { kind: 'stored', id: 'ab'.repeat(16), name: 'Qwen/Qwen2.5-0.5B-Instruct' };
    expect(bring).toHaveBeenLastCalledWith(1, stored);
    await locator.getByTestId('own-model').selectOptions('nano, as the swarm proposes');
    expect(bring).toHaveBeenLastCalledWith(1, null);
    await expectAccessibleOnPhoneToo(element);
  });

  it('says why a swarm cannot be joined', async () => {
    const { locator } = await shown(simulatedSwarms('swarms-list'), { chainId, swarm: 3 });
    await expect.element(locator.getByTestId('swarm-problem')).toHaveTextContent('round.temperature');
    await expect.element(locator.getByTestId('swarm-contribute')).toBeDisabled();
  });
});
