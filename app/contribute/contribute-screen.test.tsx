import { describe, expect, it } from 'vitest';
import { userEvent } from 'vitest/browser';
import { SwarmsContext } from '../swarms/swarms-context.tsx';
import { simulatedSwarms } from '../swarms/testing/simulated-swarms.ts';
import { expectAccessibleOnPhoneToo } from '../testing/expect-accessible.ts';
import { show } from '../testing/show.tsx';
import { type Scene, scene } from '../volunteer/testing/scenes.ts';
import { COMPUTING } from '../volunteer/testing/shown-blocks.ts';
import { simulatedVolunteer } from '../volunteer/testing/simulated-volunteer.ts';
import { VolunteerProvider } from '../volunteer/volunteer-context.tsx';
import type { PeerStatus, VolunteerEvent } from '../volunteer/volunteer-events.ts';
import { followVolunteer } from '../volunteer/volunteer-store.ts';
import { ContributeScreen } from './contribute-screen.tsx';

/** Shows the screen with a volunteer in one scene, after more events. */
async function shown(name: Scene, ...more: readonly VolunteerEvent[]) {
  const volunteer = simulatedVolunteer(name, Date.now);
  let emit: (event: VolunteerEvent) => void = () => undefined;
  const { store } = followVolunteer({
    ...volunteer,
    subscribe(listener) {
      emit = listener;
      return volunteer.subscribe(listener);
    },
  });
  await volunteer.open();
  for (const event of more) emit(event);
  const { element, locator } = show(
    <VolunteerProvider volunteer={volunteer} store={store}>
      <SwarmsContext value={{ open: async () => simulatedSwarms('swarms-list') }}>
        <ContributeScreen engine="auto" onEngine={() => undefined} />
      </SwarmsContext>
    </VolunteerProvider>,
  );
  const status = locator.getByTestId('status');
  await expect.element(status).toBeVisible();
  return {
    emit: (event: VolunteerEvent) => emit(event),
    element,
    locator,
    status,
    button: (text: string) => locator.getByRole('button', { name: text }),
  };
}

const withoutWebRtc: VolunteerEvent[] = scene('fresh', 0).flatMap((event) =>
  event.kind === 'preflight' ? [{ ...event, preflight: { ...event.preflight, webrtc: false } }] : [],
);

const atInsecureAddress: VolunteerEvent[] = scene('fresh', 0).flatMap((event) =>
  event.kind === 'preflight' ? [{ ...event, preflight: { ...event.preflight, secure: false } }] : [],
);

describe('ContributeScreen', () => {
  it('says which STUN and TURN servers are asked, and that no others are', async () => {
    const none = await shown('alone');
    expect(none.element.querySelector('[data-testid="ice-servers"]')?.textContent).toContain(
      'no others are asked',
    );
    const named = await shown('alone', {
      ...{
        kind: 'network',
        name: 'Open network',
        chainId: 10,
        local: false,
        explorer: null,
        reachable: true,
      },
      iceServers: ['stun:stun.example:3478', 'turn:turn.example:3478?transport=tcp'],
    });
    const told = named.element.querySelector('[data-testid="ice-servers"]');
    expect(told?.textContent).toContain('stun:stun.example:3478, turn:turn.example:3478?transport=tcp');
  });

  it('says how each device is connected, and counts the paths', async () => {
    const peer = (peerId: string, path: PeerStatus['path'], route: PeerStatus['route'] = null) => ({
      ...{ peerId, path, route, device: null, latency: null },
    });
    const peers = [
      peer('16Uiu2HAhost', 'direct', 'host'),
      peer('16Uiu2HAsocket', 'direct'),
      peer('16Uiu2HAstun', 'direct', 'stun'),
      peer('16Uiu2HAturn', 'direct', 'turn'),
      peer('16Uiu2HArelayed', 'relayed'),
      peer('16Uiu2HAgossip', 'gossip'),
    ];
    const { element, locator } = await shown('alone', { kind: 'peers', peers, relays: [] });
    await expect.element(locator.getByTestId('peers')).toHaveTextContent('4');
    await expect
      .element(locator.getByTestId('peer-routes'))
      .toHaveTextContent('2 direct, 1 direct by STUN, 1 through TURN');
    const told = [...element.querySelectorAll<HTMLElement>('[data-testid="peer"]')].map((each) => [
      each.dataset.peer?.slice('16Uiu2HA'.length),
      each.lastElementChild?.textContent,
    ]);
    expect(told).toEqual([
      ['host', 'direct'],
      ['socket', 'direct'],
      ['stun', 'direct by STUN'],
      ['turn', 'through TURN'],
      ['relayed', 'through a relay'],
      ['gossip', 'through others'],
    ]);
  });

  it.each<Scene>([
    'fresh',
    'returning',
    'starting',
    'contributing',
    'alone',
    'paused',
    'failed',
    'elsewhere',
    'blocks-gathering',
    'blocks-joining',
    'blocks-computing',
  ])('breaks no rule of accessibility in the scene "%s", and fits a phone', async (name) => {
    const { element } = await shown(name);
    await expectAccessibleOnPhoneToo(element);
  });

  it('says before the first click what it will take, and is started by keyboard', async () => {
    const { locator, button, status } = await shown('fresh');
    await expect.element(locator.getByTestId('preflight')).toHaveTextContent('398 kB of model');
    await expect.element(locator.getByTestId('preflight')).toHaveTextContent('battery (62 %)');
    await userEvent.tab();
    await expect.element(button('Contribute GPU')).toHaveFocus();
    await userEvent.keyboard('{Enter}');
    await expect.element(status).toHaveTextContent('Contributing to round 135.');
  });

  it('cannot be started where a browser lacks what it needs, and says what', async () => {
    const { locator, button } = await shown('fresh', ...withoutWebRtc);
    await expect.element(button('Contribute GPU')).toBeDisabled();
    await expect.element(locator.getByText(/offers no WebRTC/)).toBeVisible();
  });

  it('cannot be started at an insecure address, and names that as the only cause', async () => {
    const { locator, button, element } = await shown('fresh', ...atInsecureAddress);
    await expect.element(button('Contribute GPU')).toBeDisabled();
    await expect.element(locator.getByText(/Open this page over https/)).toBeVisible();
    expect(element.querySelectorAll('[data-level]')).toHaveLength(1);
  });

  it('shows the start, with a bar, and lets it be stopped', async () => {
    const { locator, button, status } = await shown('starting');
    await expect.element(status).toHaveTextContent('checking that this device computes the right bits');
    await expect.element(locator.getByRole('progressbar', { name: 'Starting' })).toBeVisible();
    await button('Stop').click();
    await expect.element(status).toHaveTextContent('Stopped by you.');
  });

  it('shows the round, the four counts, the feed and the swarm while it trains', async () => {
    const { locator, button } = await shown('contributing');
    await expect.element(locator.getByTestId('round')).toHaveTextContent('135');
    await expect.element(locator.getByTestId('stage')).toHaveTextContent('critique');
    const counts = ['ledger-computed', 'ledger-sent', 'ledger-accepted', 'ledger-onchain'];
    const shownCounts = counts.map((id) => locator.getByTestId(id).element().textContent);
    expect(shownCounts).toEqual(['34', '34', '33', '32']);
    await expect.element(locator.getByTestId('peers')).toHaveTextContent('2');
    await expect.element(locator.getByTestId('feed-item').first()).toHaveTextContent('47+38=');
    await expect.element(locator.getByTestId('feed-more')).toHaveTextContent('Show 2 of 2 more tasks');
    await expect.element(locator.getByTestId('conformance')).toHaveTextContent('118 of 118 checks');
    await expect.element(locator.getByTestId('engine-choice')).toBeDisabled();
    await button('Pause').click();
    await expect.element(button('Resume')).toBeVisible();
  });

  it('draws the pipeline in place of rounds where the swarm trains in blocks, live', async () => {
    const { locator, status, emit } = await shown('blocks-computing');
    await expect.element(status).toHaveTextContent('Training in blocks with the others.');
    const cards = locator.getByTestId('pipeline-block').elements();
    expect(cards.map((card) => card.querySelector('h3')?.textContent)).toEqual([
      ...['Embedding', 'Layers 0 to 1', 'Layers 2 to 3', 'Layer 4', 'Head'],
    ]);
    expect(cards.map((card) => card.getAttribute('data-here'))).toEqual([
      ...['true', 'false', 'true', 'true', 'false'],
    ]);
    expect(cards[0]?.textContent).toContain('this device');
    expect(cards[2]?.textContent).toContain('backward 0');
    await expect.element(locator.getByTestId('pipeline-hops')).toHaveTextContent('31 of 84');
    expect(locator.getByTestId('round').elements()).toEqual([]);
    expect(locator.getByTestId('ledger-computed').elements()).toEqual([]);
    const heights = () => cards.map((card) => card.getBoundingClientRect().height);
    const before = heights();
    emit({
      kind: 'blocks',
      blocks: {
        ...COMPUTING,
        microbatches: [],
        hops: { done: 83, all: 84 },
        problems: ['No room for Head.'],
      },
    });
    await expect.element(locator.getByTestId('pipeline-hops')).toHaveTextContent('83 of 84');
    const [newest, older] = locator.getByTestId('attested-round').elements();
    expect([newest?.getAttribute('data-onchain'), older?.getAttribute('data-onchain')]).toEqual([
      'false',
      'true',
    ]);
    expect(older?.textContent).toMatch(/^1138.*3345/);
    emit({ kind: 'accepted', round: 12, peers: 1, strangers: 0 });
    await expect.element(locator.getByTestId('attested-round').first()).toHaveTextContent(/^1241.*1not yet$/);
    emit({ kind: 'state-not-attested', round: 13, cause: 'The record is too large.' });
    await expect
      .element(locator.getByTestId('attested-missed'))
      .toHaveTextContent('Round 13 has no statement');
    await expect.element(locator.getByTestId('pipeline-problems')).toHaveTextContent('No room for Head.');
    expect(heights()).toEqual(before);
  });

  it('shows the swarm at work and no empty panel before the device contributes', async () => {
    const { locator } = await shown('fresh');
    await expect
      .element(locator.getByTestId('swarm-at-work'))
      .toHaveTextContent('The built-in model learns to add.');
    const titles = locator.getByRole('heading', { level: 2 }).elements();
    expect(titles.map(({ textContent }) => textContent)).toEqual([
      'Before you begin',
      'The swarm at work',
      'This device',
      'Your key',
      'Owner',
    ]);
  });

  it('keeps the panels of the device, and what they say, when the others come', async () => {
    const { locator, button, status } = await shown('fresh');
    const message = locator.getByTestId('key-message').element();
    await button('Contribute GPU').click();
    await expect.element(status).toHaveTextContent('Contributing to round 135.');
    expect(locator.getByTestId('key-message').element()).toBe(message);
  });

  it('keeps a long reasoning folded, says why a reward is what it is, and what was learnt', async () => {
    const { locator } = await shown('contributing', {
      kind: 'trained',
      round: 135,
      checkpointRoot: '0xab',
      foreign: 2,
      optimizerSteps: 1,
      meanReward: 0.5,
      heldOutAccuracy: 0.5,
      loss: 0.1,
      trainedAt: 0,
    });
    const own = locator.getByTestId('feed-item').first().getByTestId('feed-answer').first();
    const reasoning = own.getByTestId('feed-reasoning');
    expect(reasoning.element().textContent?.length).toBeLessThan(200);
    await own.getByRole('button', { name: /words of this reasoning/ }).click();
    expect(reasoning.element().textContent).toContain('Step 60:');
    await expect.element(own.getByTestId('feed-critique')).toHaveTextContent(/Forty and thirty/);
    await expect.element(locator.getByTestId('feed-reward').first()).toHaveTextContent('Reward 0: The right');
    await expect
      .element(locator.getByTestId('feed-lesson'))
      .toHaveTextContent(
        'In round 135 your model learnt from its own answers and those of 2 others, in 1 step.',
      );
  });

  it('says what the device keeps for others, and how much room that has', async () => {
    const { locator } = await shown('contributing');
    await expect
      .element(locator.getByTestId('kept-checkpoints'))
      .toHaveTextContent(
        'For members who ask, this device keeps 15 checkpoints, 18.9 MB of at most 1.07 GB: the first, every 10th and the last.',
      );
    const { locator: fresh } = await shown('fresh');
    await expect.element(fresh.getByTestId('kept-checkpoints')).not.toBeInTheDocument();
  });

  it('answers a question of one’s own, before and after, side by side', async () => {
    const { locator } = await shown('contributing');
    await expect.element(locator.getByTestId('own-ask')).toBeDisabled();
    await locator.getByLabelText('Your question').fill('47+38=');
    await locator.getByTestId('own-ask').click();
    await expect.element(locator.getByTestId('own-before')).toHaveTextContent('84');
    await expect.element(locator.getByTestId('own-now')).toHaveTextContent('85');
    await expect.element(locator.getByText('After round 134', { exact: true })).toBeVisible();
  });

  it('names the cause of a failure, and keeps what was done', async () => {
    const { locator, button, status } = await shown('failed');
    await expect.element(status).toHaveTextContent('The GPU went away.');
    await expect.element(locator.getByTestId('ledger-computed')).toHaveTextContent('34');
    await expect.element(button('Contribute GPU again')).toBeEnabled();
  });

  it('counts rejected messages by reason', async () => {
    const { locator } = await shown('contributing');
    await expect.element(locator.getByTestId('refused')).toHaveAttribute('data-total', '5');
    await expect.element(locator.getByText('Signature does not match its device')).toBeVisible();
  });

  it('shows a passing notice until a round counts again', async () => {
    const { locator } = await shown('contributing', {
      kind: 'failed',
      round: 135,
      cause: 'The relay is gone.',
    });
    await expect.element(locator.getByTestId('notice')).toHaveTextContent('Round 135 did not count');
  });

  it('moves the key here from another tab', async () => {
    const { button, status } = await shown('elsewhere');
    await expect.element(status).toHaveTextContent(/another tab/i);
    await button('Use this tab').click();
    await expect.element(status).toHaveTextContent('Ready to go on.');
  });

  it('lends as much of the device as the slider says, by keyboard', async () => {
    const { locator } = await shown('returning');
    const slider = locator.getByRole('slider');
    slider.element().focus();
    await userEvent.keyboard('{ArrowLeft}{ArrowLeft}');
    await expect.element(locator.getByTestId('share-value')).toHaveTextContent('80 % of the time');
    await expect.element(slider).toHaveAttribute('aria-valuetext', '80 percent of the time');
  });

  it('says what is wrong with a key backup', async () => {
    const { locator } = await shown('returning');
    await userEvent.upload(locator.getByTestId('key-file'), new File(['x'.repeat(20_000)], 'key.json'));
    await expect
      .element(locator.getByTestId('key-message'))
      .toHaveTextContent('too large to be a key backup');
  });
});
