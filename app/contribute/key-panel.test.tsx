import { describe, expect, it } from 'vitest';
import { userEvent } from 'vitest/browser';
import { expectAccessibleOnPhoneToo } from '../testing/expect-accessible.ts';
import { show } from '../testing/show.tsx';
import { decodeKeyBackup, encodeKeyBackup } from '../volunteer/key-backup.ts';
import type { HeldFunds, KeyPort, SweepRequest } from '../volunteer/key-port.ts';
import type { Scene } from '../volunteer/testing/scenes.ts';
import { simulatedVolunteer } from '../volunteer/testing/simulated-volunteer.ts';
import { VolunteerProvider } from '../volunteer/volunteer-context.tsx';
import type { VolunteerEvent } from '../volunteer/volunteer-events.ts';
import { followVolunteer } from '../volunteer/volunteer-store.ts';
import { KeyPanel } from './key-panel.tsx';

const PASSPHRASE = 'wide river, slow bird';
const OWNER = `0x${'0c'.repeat(20)}` as const;
const EARLIER = `0x${'0e'.repeat(20)}` as const;
const ETH = 10n ** 18n;
const secret = new Uint8Array(32).fill(7);

interface Options {
  readonly scene?: Scene;
  readonly keys?: Partial<KeyPort>;
  readonly events?: readonly VolunteerEvent[];
}

/** Shows the panel for a volunteer in a scene, after more events. */
async function shown({ scene = 'returning', keys = {}, events = [] }: Options) {
  const volunteer = simulatedVolunteer(scene, Date.now, keys);
  let emit: (event: VolunteerEvent) => void = () => undefined;
  const { store } = followVolunteer({
    ...volunteer,
    subscribe(listener) {
      emit = listener;
      return volunteer.subscribe(listener);
    },
  });
  await volunteer.open();
  for (const event of events) emit(event);
  const { element, locator } = show(
    <VolunteerProvider volunteer={volunteer} store={store}>
      <KeyPanel />
    </VolunteerProvider>,
  );
  const at = (testId: string) => locator.getByTestId(testId);
  await expect.element(at('key-restore')).toBeVisible();
  return { element, at, message: at('key-message') };
}

/** The panel's address of the device, with funds. */
function holding(funds: Partial<HeldFunds>, ...earlier: readonly HeldFunds[]): KeyPort['funds'] {
  return async () => [
    {
      address: '0x52908400098527886e0f7030069857d2e4169ee7',
      ...{ balance: 0n, credit: 0n, bonded: 0n },
      ...funds,
    },
    ...earlier,
  ];
}

describe('KeyPanel', () => {
  it('saves a copy only under a passphrase that was typed twice', async () => {
    const saved: string[] = [];
    const backUp = (passphrase: string) => {
      saved.push(passphrase);
      return encodeKeyBackup({ secret, createdAt: 0 }, passphrase);
    };
    const { at, message, element } = await shown({ keys: { backUp } });
    await at('key-backup').click();
    await expect.element(at('key-passphrase')).toHaveFocus();
    await expect.element(at('key-save-go')).toBeDisabled();
    await at('key-passphrase').fill('short');
    await expect.element(at('key-save')).toHaveTextContent('fewer than 12 characters');
    await at('key-passphrase').fill(PASSPHRASE);
    await at('key-passphrase-again').fill('another one');
    await expect.element(at('key-save')).toHaveTextContent('The two differ.');
    await expect.element(at('key-save-go')).toBeDisabled();
    await expectAccessibleOnPhoneToo(element);
    await at('key-passphrase-again').fill(PASSPHRASE);
    await userEvent.keyboard('{Enter}');
    await expect.element(message).toHaveTextContent(/^Saved starling-key-.*opens with your passphrase only/);
    expect(saved).toEqual([PASSPHRASE]);
    expect(element.querySelectorAll('form')).toHaveLength(0);
    await expect.element(at('key-backup')).toHaveFocus();
  });

  it('asks for the passphrase of a copy, and again after a wrong one', async () => {
    const text = await encodeKeyBackup({ secret, createdAt: 0 }, PASSPHRASE);
    const { at, message } = await shown({ keys: { restore: decodeKeyBackup } });
    await userEvent.upload(at('key-file'), new File([text], 'key.json'));
    await at('key-passphrase').fill('wide river, slow fish');
    await at('key-open-go').click();
    await expect.element(message).toHaveTextContent('That is not the passphrase of this key');
    await at('key-passphrase').fill(PASSPHRASE);
    await at('key-open-go').click();
    await expect.element(message).toHaveTextContent('Restored. This device goes by that key now.');
  });

  it('still takes a plain copy of an earlier version, and says what to do with it', async () => {
    const restore = async () => ({ encrypted: false });
    const { at, message } = await shown({ keys: { restore } });
    const plain = JSON.stringify({ format: 'starling-device-key-1', secret: '07'.repeat(32) });
    await userEvent.upload(at('key-file'), new File([plain], 'key.json'));
    await expect.element(message).toHaveTextContent('That file is not encrypted');
  });

  it('says where the browser keeps the key unencrypted', async () => {
    const device = { kind: 'device', address: OWNER, peerId: '16U', backedUp: true } as const;
    const plain = await shown({ events: [{ ...device, encrypted: false }] });
    await expect.element(plain.at('key-plain')).toHaveTextContent('cannot keep the key encrypted');
    const wrapped = await shown({ events: [{ ...device, encrypted: true }] });
    await expect.element(wrapped.at('key-plain')).not.toBeInTheDocument();
  });

  it('shows the coin beside the key, and sends it to the owner', async () => {
    const sweeps: SweepRequest[] = [];
    let balance = ETH / 2n;
    const keys: Partial<KeyPort> = {
      funds: () => holding({ balance })(),
      async sweep(request) {
        sweeps.push(request);
        balance = 0n;
        return (ETH * 4n) / 10n;
      },
    };
    const { at, element } = await shown({ keys, events: [{ kind: 'owner', owner: OWNER }] });
    await expect.element(at('key-coin')).toHaveTextContent('0.5 ETH');
    await at('key-sweep').click();
    await expect.poll(() => element.textContent).toContain('Sent 0.4 ETH to 0x0c0c…0c0c.');
    await expect.element(at('key-coin')).toHaveTextContent('0 ETH');
    expect(sweeps).toEqual([{ from: '0x52908400098527886e0f7030069857d2e4169ee7', to: OWNER }]);
  });

  it('offers no transfer without an owner, or while bonds need the coin', async () => {
    const without = await shown({ keys: { funds: holding({ balance: ETH }) } });
    await expect.element(without.at('key-coin')).toHaveTextContent('1 ETH');
    await expect.element(without.at('key-sweep')).not.toBeInTheDocument();
    const bound = await shown({
      keys: { funds: holding({ balance: ETH, bonded: ETH / 10n }) },
      events: [{ kind: 'owner', owner: OWNER }],
    });
    await expect.element(bound.at('key-bonded')).toHaveTextContent('0.1 ETH');
    await expect.element(bound.at('key-sweep')).not.toBeInTheDocument();
    await bound.at('key-new').click();
    await expect.element(bound.at('key-renew-go')).toBeDisabled();
  });

  it('makes a new key after it said what that changes, and keeps what the old one has within reach', async () => {
    let rotated = 0;
    const rotate = async () => void rotated++;
    const old = { address: EARLIER, balance: ETH, credit: 0n, bonded: 0n } as const;
    const funds = holding({ balance: ETH }, old);
    const { at, message, element } = await shown({
      keys: { rotate, funds },
      events: [{ kind: 'owner', owner: OWNER }],
    });
    await expect.element(at('key-earlier')).toHaveTextContent('Earlier key 0x0e0e…0e0e is kept here');
    await at('key-new').click();
    await expect.element(at('key-renew')).toHaveTextContent('Send it to the owner first');
    await expectAccessibleOnPhoneToo(element);
    expect(rotated).toBe(0);
    await at('key-renew-go').click();
    await expect.element(message).toHaveTextContent('This device has a new key.');
    expect(rotated).toBe(1);
  });

  it('says why the chain does not answer, and keeps the buttons', async () => {
    let isAway = true;
    const funds = () =>
      isAway ? Promise.reject(new Error('The chain’s node gave no answer.')) : holding({ balance: ETH })();
    const { at, element } = await shown({ keys: { funds } });
    await expect.element(at('key-coin')).toHaveTextContent('not known');
    expect(element.textContent).toContain('The chain’s node gave no answer.');
    await expect.element(at('key-backup')).toBeEnabled();
    // It asks again by itself.
    isAway = false;
    await expect.element(at('key-coin'), { timeout: 15_000 }).toHaveTextContent('1 ETH');
  });
});
