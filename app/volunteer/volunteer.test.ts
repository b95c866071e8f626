import { describe, expect, it } from 'vitest';
import { blocksSpec } from '../../protocol/testing/sample-swarm-specs.ts';
import { networkId } from '../../swarm/network-id.ts';
import type { RoundEvent } from '../../swarm/rounds/events.ts';
import { compareCosts } from '../../workers/cost-record.ts';
import { MissingSwarmError } from './dependencies.ts';
import { GATHERING } from './testing/shown-blocks.ts';
import { network, ROOT, workshop } from './testing/workshop.ts';
import type { SignedDelegation } from './volunteer-port.ts';

const passphrase = 'wide river, slow bird';

const signed: SignedDelegation = {
  ...{ sessionKey: `0x${'0d'.repeat(20)}`, peerId: ROOT, scope: 3, validUntil: 2_000_000, epoch: 0 },
  ...{ nonce: 1, replaces: `0x${'00'.repeat(20)}` },
  ...{ owner: `0x${'0c'.repeat(20)}`, ownerSignature: '0x01', consentSignature: '0x02' },
};

const trained = (round: number): Extract<RoundEvent, { kind: 'trained' }> => ({
  kind: 'trained',
  round,
  previousRoot: ROOT,
  checkpointRoot: ROOT,
  foreign: 1,
  optimizerSteps: 1,
  meanReward: 0.5,
  heldOutAccuracy: 0.3,
  loss: 0.1,
});

describe('a volunteer', () => {
  it('opens its key, engine, chain and swarm on one click, and frees them on stop', async () => {
    const { volunteer, log, phases, view, remembered } = workshop('click');
    await volunteer.open();
    expect(view().device).toBeNull();
    await volunteer.contribute('auto');
    expect(phases).toEqual([
      ...['key', 'network', 'engine', 'model', 'network'],
      ...['contributing', 'contributing'],
    ]);
    expect(log).toEqual(['chain', 'swarm', 'computer auto', 'announced', 'rounds']);
    expect(view()).toMatchObject({
      device: { backedUp: false },
      engine: { kind: 'wasm' },
      model: { start: { round: -1, heldOutAccuracy: 0.25 } },
    });
    expect(remembered()).toBe('auto');
    await volunteer.stop();
    expect(log.slice(5)).toEqual(['left', 'chain stopped', 'computer stopped']);
    expect(view().phase).toEqual({ kind: 'stopped', finished: false });
    expect(remembered()).toBeNull();
  });

  it('keeps blocks in place of rounds where the swarm trains in blocks', async () => {
    const { volunteer, log, view, blocks, crash } = workshop('blocks', { spec: blocksSpec });
    await volunteer.open();
    await volunteer.setShare(0.5);
    await volunteer.contribute('wasm');
    const started = ['chain', 'swarm', 'blocks wasm bafy-of-the-spec', 'share 0.5', 'announced', 'steps'];
    expect(log).toEqual(started);
    expect(view()).toMatchObject({ phase: { kind: 'contributing' }, engine: { kind: 'wasm' }, blocks: null });
    expect(view().notice).toContain('blocks are lost when the tab closes');
    const shown = { ...GATHERING, step: 3 };
    blocks.asked?.onBlocks(shown);
    expect(view().blocks).toEqual(shown);
    blocks.asked?.onAttestation({ kind: 'attested', round: 7, step: 3, checkpointRoot: ROOT });
    blocks.asked?.onAttestation({ kind: 'accepted', round: 7, peers: 2, strangers: 9 });
    expect(view().attested).toEqual([{ round: 7, step: 3, root: ROOT, acceptedBy: 3 }]);
    blocks.asked?.onAttestation({ kind: 'not attested', round: 8, cause: 'No.' });
    expect(view().notAttested).toEqual({ round: 8, cause: 'No.' });
    expect(await volunteer.checkpoint()).toEqual({ bytes: Uint8Array.of(9), root: ROOT, round: 5 });
    await volunteer.pause();
    expect(view().phase).toEqual({ kind: 'paused', cause: 'asked' });
    blocks.asked?.onFailed(new Error('No room for blocks.'));
    await expect.poll(() => view().phase).toMatchObject({ kind: 'failed', cause: 'No room for blocks.' });
    expect(log.slice(6)).toEqual(['left', 'chain stopped']);
    expect(view().blocks).toBeNull();

    await volunteer.contribute('auto');
    crash(new Error('The worker of the blocks stopped.'));
    await expect.poll(() => view().phase).toMatchObject({ cause: 'The worker of the blocks stopped.' });
    await volunteer.contribute('auto');
    await volunteer.stop();
    expect(log.slice(-3)).toEqual(['left', 'chain stopped', 'blocks stopped']);
  });

  it('says why it cannot keep blocks, and frees the worker', async () => {
    const { volunteer, log, view, fail } = workshop('no-blocks', { spec: blocksSpec });
    fail.blocks = new Error('This device has 0 MB left for blocks.');
    await volunteer.open();
    await volunteer.contribute('auto');
    expect(view().phase).toMatchObject({ kind: 'failed', cause: 'This device has 0 MB left for blocks.' });
    expect(log.slice(-3)).toEqual(['left', 'chain stopped', 'blocks stopped']);
  });

  it('keeps its key and its rounds for the next visit, and goes on by itself only after a reload', async () => {
    const first = workshop('keeps');
    await first.volunteer.open();
    await first.volunteer.contribute('wasm');
    first.play(trained(7));
    first.play({ kind: 'accepted', round: 7, checkpointRoot: ROOT, peers: 2, strangers: 0 });
    await first.volunteer.finish();
    expect(first.view().phase).toEqual({ kind: 'stopped', finished: true });

    const later = workshop('keeps');
    await later.volunteer.open();
    expect(later.view()).toMatchObject({
      phase: { kind: 'idle' },
      device: { address: first.view().device?.address },
      totals: { computed: 1, accepted: 1 },
      history: [{ round: 7, acceptedBy: 2 }],
      model: { start: { heldOutAccuracy: 0.25 } },
    });

    const reloaded = workshop('keeps', { remembered: 'webgpu' });
    await reloaded.volunteer.open();
    expect(reloaded.view().phase).toEqual({ kind: 'contributing' });
    expect(reloaded.log).toContain('computer webgpu');
  });

  it('frees what it opened when another part fails, and says the cause', async () => {
    const chainless = workshop('chainless');
    chainless.fail.chain = new Error('The chain’s node gave no answer.');
    await chainless.volunteer.open();
    await chainless.volunteer.contribute('auto');
    expect(chainless.view().phase).toMatchObject({
      kind: 'failed',
      cause: 'The chain’s node gave no answer.',
    });
    expect(chainless.log).toEqual(['chain']);

    const unable = workshop('unable');
    unable.refused.sentence = 'The model has 40 GB, and this device can hold 1 GB.';
    await unable.volunteer.open();
    await unable.volunteer.contribute('auto');
    expect(unable.view().phase).toMatchObject({ kind: 'failed', cause: unable.refused.sentence });
    expect(unable.log).toEqual(['chain', 'chain stopped']);

    const swarmless = workshop('swarmless');
    swarmless.fail.swarm = new Error('The relay address lacks its peer id.');
    await swarmless.volunteer.open();
    await swarmless.volunteer.contribute('auto');
    expect(swarmless.log.slice(2)).toEqual(['computer auto', 'chain stopped']);
    delete swarmless.fail.swarm;
    await swarmless.volunteer.contribute('auto');
    expect(swarmless.view().phase).toEqual({ kind: 'contributing' });
  });

  it('goes to another swarm with one click, and goes on with that one later', async () => {
    const { volunteer, log, view, figures, play } = workshop('another-swarm');
    await volunteer.open();
    await volunteer.contribute('auto');
    play(trained(3));
    await volunteer.join(4, 'wasm');
    expect(view()).toMatchObject({ swarm: 4, phase: { kind: 'contributing' }, history: [] });
    expect(log.slice(5)).toEqual([
      ...['left', 'chain stopped', 'computer stopped'],
      ...['chain', 'swarm', 'computer wasm', 'announced', 'rounds'],
    ]);
    play(trained(9));
    await volunteer.join(4, 'auto');
    expect(log).toHaveLength(13);
    const scope = (swarm: number) => expect.stringMatching(new RegExp(`:${swarm}$`));
    expect(figures).toMatchObject([
      { scope: scope(0), round: 3, accuracy: 0.3 },
      { scope: scope(4), round: 9 },
    ]);
    await volunteer.stop();
  });

  it('compares what rounds took here with what is predicted for them, swarm by swarm', async () => {
    const { volunteer, costs, play, tabBytes } = workshop('costs');
    await volunteer.open();
    await volunteer.contribute('auto');
    play({ ...trained(3), computeMs: 2500 });
    tabBytes.now = 7e6;
    play({ ...trained(4), computeMs: 3500 });
    tabBytes.now = null;
    // Not timed, so that there is nothing to compare.
    play(trained(5));
    await volunteer.join(4, 'wasm');
    play({ ...trained(1), computeMs: 100 });
    await volunteer.stop();
    const { chainId, contracts } = network;
    const run = networkId(chainId, contracts.participation, 0);
    // A person may look at the swarm's page, which predicts, only after some rounds.
    expect(compareCosts(costs.of(run))).toBeNull();
    costs.predict(run, { seconds: 2, memory: 5e6 });
    expect(compareCosts(costs.of(run))).toEqual({
      rounds: 2,
      seconds: { predicted: 2, median: 3, least: 2.5, most: 3.5 },
      memory: { predicted: 5e6, most: 7e6 },
    });
    expect(costs.of(networkId(chainId, contracts.participation, 4))?.rounds).toHaveLength(1);
  });

  it('leaves a swarm that the chain does not have any more for the network’s own', async () => {
    const { volunteer, fail, view } = workshop('missing-swarm');
    await volunteer.open();
    fail.chain = new MissingSwarmError('The chain has no swarm 4.');
    await volunteer.join(4, 'wasm');
    expect(view()).toMatchObject({
      swarm: null,
      phase: { kind: 'failed', cause: 'The chain has no swarm 4.' },
    });
    delete fail.chain;
    await volunteer.contribute('wasm');
    expect(view().phase).toEqual({ kind: 'contributing' });
  });

  it('keeps the owner that was bound while the chain still answered who it was', async () => {
    const { volunteer, view, hold } = workshop('bound-meanwhile');
    let answer = () => {};
    hold.owner = new Promise((resolve) => {
      answer = resolve;
    });
    await volunteer.open();
    await volunteer.contribute('auto');
    await volunteer.recordDelegation(signed);
    answer();
    await volunteer.stop();
    expect(view().owner).toBe(signed.owner);
  });

  it('contributes where the browser cannot even be asked to keep the storage', async () => {
    const persist = (): Promise<boolean> => {
      throw new TypeError('Cannot read properties of undefined (reading ‘persist’)');
    };
    const { volunteer, view } = workshop('no-persist', { persist });
    await volunteer.open();
    await volunteer.contribute('auto');
    expect(view().phase).toEqual({ kind: 'contributing' });
  });

  it('can be stopped while it starts', async () => {
    const { volunteer, hold, view, log } = workshop('early');
    let open = () => {};
    hold.computer = new Promise((resolve) => {
      open = resolve;
    });
    await volunteer.open();
    const started = volunteer.contribute('auto');
    while (!log.includes('computer auto')) await new Promise((resolve) => setTimeout(resolve));
    await volunteer.stop();
    open();
    await started;
    expect(view().phase).toEqual({ kind: 'stopped', finished: false });
    expect(log).toEqual(['chain', 'swarm', 'computer auto', 'left', 'chain stopped']);
  });

  it('tells a pause that was asked for from one after failures', async () => {
    const { volunteer, view, status } = workshop('pauses');
    await volunteer.open();
    await volunteer.contribute('auto');
    await volunteer.pause('battery');
    expect(view().phase).toEqual({ kind: 'paused', cause: 'battery' });
    await volunteer.resume();
    expect(view().phase).toEqual({ kind: 'contributing' });
    status('paused', 'Paused after 5 failures in a row: no.');
    expect(view().phase).toEqual({
      kind: 'paused',
      cause: 'failures',
      detail: 'Paused after 5 failures in a row: no.',
    });
  });

  it('survives the end of its worker with a sentence and a way on', async () => {
    const { volunteer, view, crash, log } = workshop('crash');
    await volunteer.open();
    await volunteer.contribute('auto');
    crash(new Error('The compute worker stopped: out of memory.'));
    while (view().phase.kind !== 'failed') await new Promise((resolve) => setTimeout(resolve));
    expect(view().phase).toMatchObject({ cause: 'The compute worker stopped: out of memory.' });
    expect(log.slice(5)).toEqual(['left', 'chain stopped']);
    await volunteer.contribute('auto');
    expect(view().phase).toEqual({ kind: 'contributing' });
  });

  it('joins the network that was started anew in place of its own, and says so', async () => {
    const { volunteer, view, replace, fail, log, sleeps, remembered } = workshop('replaced');
    await volunteer.open();
    await volunteer.contribute('wasm');
    fail.chain = new Error('There is no contract.');
    replace(new Error('Another network stands behind the chain’s address.'));
    await expect.poll(sleeps).toBeGreaterThan(2);
    expect(view().phase).toMatchObject({
      ...{ kind: 'failed', cause: 'Another network stands behind the chain’s address.' },
      remedy: expect.stringContaining('looks for the new network'),
    });
    expect(log.slice(5, 8)).toEqual(['left', 'chain stopped', 'computer stopped']);
    expect(log.filter((line) => line.startsWith('computer '))).toEqual(['computer wasm', 'computer stopped']);
    expect(remembered()).toBe('wasm');
    delete fail.chain;
    await expect.poll(() => view().phase.kind).toBe('contributing');
    await expect.poll(() => view().notice).toMatch(/^Another chain stood behind/);
    expect(log.filter((line) => line === 'computer wasm')).toHaveLength(2);
  });

  it('looks for a new network for a while only, and not against a pause or a click', async () => {
    const { volunteer, view, replace, fail, sleeps } = workshop('replaced-for-good');
    await volunteer.open();
    await volunteer.contribute('wasm');
    fail.chain = new Error('There is no contract.');
    replace(new Error('Another network.'));
    await expect.poll(() => view().phase).toMatchObject({ remedy: expect.stringMatching(/^No new network/) });
    const looked = sleeps();
    expect(looked).toBeLessThan(100);
    delete fail.chain;
    await volunteer.contribute('wasm');
    await volunteer.pause();
    replace(new Error('Another network.'));
    await expect
      .poll(() => view().phase)
      .toMatchObject({ remedy: expect.stringMatching(/^Nothing is lost/) });
    expect(sleeps()).toBe(looked);
  });

  it('reads the network file again while it reaches nobody, and joins where the relays are now', async () => {
    const { volunteer, view, log, file, meet, sleeps } = workshop('cut-off');
    await volunteer.open();
    await volunteer.contribute('wasm');
    const relay = { peerId: 'relay', addresses: [], failures: 0, cause: null };
    meet({ peers: [], relays: [{ ...relay, state: 'connected' }] });
    expect(sleeps()).toBe(0);
    meet({ peers: [], relays: [{ ...relay, state: 'unreachable' }] });
    await expect.poll(sleeps).toBeGreaterThan(2);
    expect(log.filter((line) => line === 'swarm')).toHaveLength(1);
    file.relays = ['/ip4/127.0.0.1/tcp/9002/ws'];
    await expect.poll(() => view().notice).toMatch(/^The relays have moved/);
    expect(log.slice(5)).toEqual([
      ...['left', 'chain stopped', 'computer stopped'],
      ...['chain', 'swarm', 'computer wasm', 'announced', 'rounds'],
    ]);
    expect(view().phase).toEqual({ kind: 'contributing' });
    const looked = sleeps();
    meet({ peers: [], relays: [{ ...relay, state: 'connected' }] });
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(sleeps()).toBe(looked);
  });

  it('does not join again against a pause, and reads nothing once it is stopped', async () => {
    const { volunteer, log, file, meet, sleeps } = workshop('cut-off-and-paused');
    await volunteer.open();
    await volunteer.contribute('wasm');
    meet({ peers: [], relays: [] });
    await expect.poll(sleeps).toBeGreaterThan(1);
    await volunteer.pause();
    file.relays = ['/ip4/127.0.0.1/tcp/9002/ws'];
    const paused = sleeps();
    await expect.poll(sleeps).toBeGreaterThan(paused + 2);
    expect(log.filter((line) => line === 'swarm')).toHaveLength(1);
    await volunteer.stop();
    await new Promise((resolve) => setTimeout(resolve, 20));
    const stopped = sleeps();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(sleeps()).toBe(stopped);
  });

  it('gives its weights while it runs and afterwards', async () => {
    const { volunteer } = workshop('weights');
    await volunteer.open();
    await expect(volunteer.checkpoint()).rejects.toThrow('no key yet');
    await volunteer.contribute('auto');
    expect(await volunteer.checkpoint()).toMatchObject({
      root: ROOT,
      round: 7,
      bytes: Uint8Array.of(1, 2, 3),
    });
    await volunteer.stop();
    const stored = await volunteer.checkpoint();
    expect(new TextDecoder().decode(stored.bytes)).toBe(`31337:${network.contracts.participation}:0`);
    expect(stored.round).toBe(2);
  });

  it('never replaces a key that has no copy', async () => {
    const { volunteer, view } = workshop('restore');
    const other = workshop('restore-other');
    for (const one of [volunteer, other.volunteer]) {
      await one.open();
      await one.contribute('auto');
    }
    const backup = await other.volunteer.keys.backUp(passphrase);
    await expect(volunteer.keys.restore(backup, passphrase)).rejects.toThrow('Stop contributing');
    await volunteer.stop();
    await expect(volunteer.keys.restore(backup, passphrase)).rejects.toThrow('Save a copy');
    await volunteer.keys.backUp(passphrase);
    await volunteer.keys.restore(backup, passphrase);
    expect(view().device).toEqual({ ...other.view().device, backedUp: true });
    expect(view().totals.computed).toBe(0);
  });

  it('keeps to the share that a person lends, at once and on the next start', async () => {
    const { volunteer, view, log } = workshop('share');
    await volunteer.open();
    await volunteer.setShare(0.5);
    expect(view().share).toBe(0.5);
    expect(log.filter((line) => line.startsWith('share'))).toEqual([]);
    await volunteer.contribute('wasm');
    await volunteer.setShare(0.3);
    expect(log.filter((line) => line.startsWith('share'))).toEqual(['share 0.5', 'share 0.3']);
    await volunteer.stop();
  });

  it('stops everything that signs with the key when another tab takes it over', async () => {
    const { volunteer, view, log, steal, remembered } = workshop('stolen');
    await volunteer.open();
    await volunteer.contribute('auto');
    expect(await volunteer.credentials()).toMatchObject({ key: { address: view().device?.address } });
    steal();
    await expect.poll(() => view().phase.kind).toBe('elsewhere');
    expect(log.slice(5).sort()).toEqual(['chain stopped', 'computer stopped', 'key lost', 'left']);
    expect(remembered()).toBeNull();
    await expect(volunteer.credentials()).rejects.toThrow('Another tab');
  });

  it('gives no key away and contributes nothing in a second tab', async () => {
    const { volunteer, view, log } = workshop('second', { elsewhere: true });
    await volunteer.open();
    expect(view().phase).toEqual({ kind: 'elsewhere' });
    await volunteer.contribute('auto');
    expect(log).toEqual([]);
    await expect(volunteer.credentials()).rejects.toThrow('Another tab');
  });

  it('does what it is asked for while its storage is opening, once that is open', async () => {
    const { volunteer, view, hold } = workshop('early');
    let open = () => {};
    hold.database = new Promise((resolve) => {
      open = resolve;
    });
    hold.sleep = new Promise(() => undefined);
    const opened = volunteer.open();
    const credentials = volunteer.credentials();
    const network = volunteer.network();
    const contributing = volunteer.contribute('auto');
    open();
    const { key } = await credentials;
    expect((await network).chainId).toBe((await credentials).network.chainId);
    await Promise.all([opened, contributing]);
    expect(view().device?.address).toBe(key.address);
    expect(view().phase).toEqual({ kind: 'contributing' });
    expect((await volunteer.keys.funds())[0]?.address).toBe(key.address);
  });

  it('says why a click does nothing while its storage is still opening', async () => {
    const { volunteer, view, hold } = workshop('hasty');
    let open = () => {};
    hold.database = new Promise((resolve) => {
      open = resolve;
    });
    const opened = volunteer.open();
    await expect.poll(() => view().preflight).not.toBeNull();
    await volunteer.contribute('auto');
    expect(view().phase).toMatchObject({ kind: 'failed', cause: expect.stringContaining('storage') });
    open();
    await opened;
    await volunteer.contribute('auto');
    expect(view().phase).toEqual({ kind: 'contributing' });
  });

  it('goes on contributing when the storage is full, and says so with the remedy', async () => {
    const { volunteer, view, storage, play } = workshop('full');
    await volunteer.open();
    await volunteer.credentials();
    storage.full = true;
    await volunteer.contribute('auto');
    expect(view()).toMatchObject({
      phase: { kind: 'contributing' },
      notice: expect.stringMatching(/^The start of the model could not be stored: The storage .* is full\./),
    });
    play(trained(7));
    const said = /^The record of round 7 could not be stored: The storage .* is full\. Delete models here/;
    await expect.poll(() => view().notice).toMatch(said);
    await volunteer.recordDelegation({ ...signed, owner: `0x${'0e'.repeat(20)}` });
    expect(view()).toMatchObject({
      owner: `0x${'0e'.repeat(20)}`,
      notice: expect.stringContaining('owner’s signature could not be stored: The storage'),
    });
  });

  it('makes no key that it cannot store, and names the remedy', async () => {
    const { volunteer, view, storage, log } = workshop('full-at-first');
    await volunteer.open();
    storage.full = true;
    await volunteer.contribute('auto');
    expect(view()).toMatchObject({
      phase: { kind: 'failed', cause: expect.stringContaining('is full. Delete models here') },
      device: null,
    });
    expect(log).toEqual([]);
  });

  it('keeps saying how to allow site data when all are blocked, however often it is clicked', async () => {
    const { volunteer, view, log, phases } = workshop('blocked', { blocked: true });
    await volunteer.open();
    const first = view().phase;
    expect(first).toMatchObject({
      ...{ kind: 'failed', cause: 'This browser blocks the page’s storage.' },
      remedy: 'Allow site data for this page, then reload it. (SecurityError, without a reason)',
    });
    await volunteer.contribute('auto');
    await volunteer.contribute('wasm');
    expect(view().phase).toEqual(first);
    expect(phases).toEqual(['failed', 'failed', 'failed']);
    expect(log).toEqual([]);
    await expect(volunteer.credentials()).rejects.toThrow();
  });

  it('leaves the wish to contribute for the next load when it is closed', async () => {
    const { volunteer, log, remembered } = workshop('closed');
    await volunteer.open();
    await volunteer.contribute('wasm');
    await volunteer.close();
    expect(log.slice(5)).toEqual(['left', 'chain stopped', 'computer stopped']);
    expect(remembered()).toBe('wasm');
  });
});
