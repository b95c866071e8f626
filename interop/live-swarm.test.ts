import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { NO_ANVIL } from '../chain/devnet/anvil.ts';
import { connect } from '../chain/network.ts';
import { readSchedule, seedOf } from '../chain/schedule.ts';
import { characterTokenizerJson } from '../models/tokenizer/character-vocabulary.ts';
import { Tokenizer } from '../models/tokenizer/tokenizer.ts';
import type { DeviceAddress } from '../protocol/hex.ts';
import type { RoundEvent } from '../swarm/rounds/events.ts';
import { type Admission, admit } from '../training/admission.ts';
import { completionTokenizer } from '../training/completion-tokenizer.ts';
import { openRound, type Round } from '../training/open-round.ts';
import { shortFormat } from '../training/short-format.ts';
import { learningSettingsOf } from '../training/swarm-settings.ts';
import { openTasks } from '../training/tasks/task-source.ts';
import { type LiveSwarm, startLiveSwarm } from './testing/live-swarm.ts';
import { copyPeer, type PeerFolder } from './testing/peer-folder.ts';
import { type PeerEvent, type PeerProcess, startPeer } from './testing/peer-process.ts';

/** Faults of a hello with the relay's reason to refuse it. */
const HELLO_FAULTS = {
  signature: 'false-signature',
  'peer-id': 'unbound-key',
  network: 'wrong-network',
  canonical: 'malformed',
  version: 'malformed',
} as const;
/** Faults for which nobody takes the revealed set. */
const REVEAL_FAULTS = ['salt', 'content', 'author'] as const;
/** Faults of what is in a set, with the reason for which nobody trains on it. */
const SET_FAULTS = {
  items: 'item not drawn by the author',
  tokens: 'tokens are not those of the text',
} as const;
/** No judgement about speed: it ends what hangs. */
const EVENTUALLY = { timeout: 240_000, interval: 200 };

const skipped = NO_ANVIL === undefined ? '' : ` (skipped: ${NO_ANVIL})`;

describe.skipIf(NO_ANVIL)(`the second implementation in a live swarm${skipped}`, { timeout: 300_000 }, () => {
  let swarm: LiveSwarm;
  let folder: PeerFolder;
  let honest: PeerProcess;
  let apart: PeerProcess;
  let faulty: PeerProcess;

  beforeAll(async () => {
    folder = await copyPeer();
    swarm = await startLiveSwarm();
    const program = folder.program('run.mjs');
    const network = ['--network', swarm.networkFile];
    const faults = [...Object.keys(HELLO_FAULTS), ...REVEAL_FAULTS, 'vote', ...Object.keys(SET_FAULTS)];
    honest = startPeer(program, network);
    apart = startPeer(program, [...network, '--apart']);
    // First, because a member dials six peers and not more.
    await vi.waitFor(() => {
      expect(swarm.failures).toEqual([]);
      expect(events(honest, 'connected')).not.toEqual([]);
      expect(events(apart, 'connected')).not.toEqual([]);
    }, EVENTUALLY);
    faulty = startPeer(program, [...network, ...faults.flatMap((fault) => ['--fault', fault])]);
  }, 300_000);
  afterAll(async () => {
    expect(await honest?.stop()).toBe(0);
    expect(await apart?.stop()).toBe(0);
    expect(await faulty?.stop()).toBe(0);
    await swarm?.stop();
    await folder?.remove();
  });

  type Kind = RoundEvent['kind'];
  /** What the member of ours told of its rounds. */
  function told<K extends Kind>(kind: K): readonly Extract<RoundEvent, { kind: K }>[] {
    const rounds = swarm.events.flatMap((event) => (event.kind === 'round' ? [event.event] : []));
    return rounds.filter((event): event is Extract<RoundEvent, { kind: K }> => event.kind === kind);
  }

  function deviceOf(process: PeerProcess, fault?: string): DeviceAddress {
    const joined = process.events.find((event) => event.event === 'joined' && event.fault === fault);
    if (joined === undefined)
      throw new Error(`The second implementation has not joined:\n${process.complaint()}`);
    return joined.device as DeviceAddress;
  }

  function events(process: PeerProcess, name: string): readonly PeerEvent[] {
    return process.events.filter(({ event }) => event === name);
  }

  function sent(process: PeerProcess, type: string, fault?: string): readonly PeerEvent[] {
    return process.events.filter(
      (event) => event.event === 'sent' && event.type === type && event.fault === fault,
    );
  }

  /** Rounds in which our member trained on the honest set, and attested that. */
  function rounds(): readonly number[] {
    expect(swarm.failures).toEqual([]);
    const trained = events(honest, 'trained on').map((event) => event.round);
    return told('trained').flatMap(({ round, foreign }) =>
      foreign > 0 && trained.includes(round) ? [round] : [],
    );
  }

  /** Waits until a device with a fault has sent a message of that type in one of the rounds. */
  async function waitForFault(type: string, fault: string, rounds: () => readonly number[]): Promise<void> {
    await vi.waitFor(() => {
      const shared = sent(faulty, type, fault).filter(({ round }) => rounds().includes(round as number));
      expect(shared).not.toEqual([]);
    }, EVENTUALLY);
  }

  /** What a member of ours makes of a device's set, by its own rules for training on strangers' answers. */
  async function admission(author: DeviceAddress): Promise<Admission> {
    const { network, spec } = swarm;
    const { round, set } = await vi.waitFor(() => {
      const answers = told('answers').find(
        (event) => event.author === author && rounds().includes(event.round),
      );
      if (answers === undefined) throw new Error('The member has no answers of the device yet.');
      return answers;
    }, EVENTUALLY);
    const settings = learningSettingsOf(spec, 'full');
    const schedule = await readSchedule(connect(network), network.contracts.swarms, network.swarm);
    const tasks = await openTasks(settings.tasks, new Map());
    const opened: Round = openRound(
      { round, seed: seedOf(schedule, round), device: author },
      settings,
      tasks,
    );
    return admit(set.groups, shortFormat(completionTokenizer(new Tokenizer(characterTokenizerJson()))), {
      items: opened.items,
      drawn: opened.drawOf(author),
      reward: settings.reward,
      completionsPerItem: settings.samplesPerItem,
      models: settings.models,
      context: 64,
    });
  }

  it('[P-43] [P-46] [P-210] publishes a rollout set on which a member trains, and which the member attests', async () => {
    await vi.waitFor(() => expect(rounds()).not.toEqual([]), EVENTUALLY);
    const { samples, rejections } = await admission(deviceOf(honest));
    const { itemsAnswered, samplesPerItem } = swarm.spec.round;
    expect(rejections).toEqual([]);
    expect(samples).toHaveLength(itemsAnswered * samplesPerItem);
    expect(samples.some(({ reward }) => reward === 1)).toBe(true);
  });

  it('[P-18] [P-66] hears the hello of a member, and is dialled at the address in its own', async () => {
    const member = swarm.events.find((event) => event.kind === 'joined');
    const device = member?.kind === 'joined' ? member.device : undefined;
    await vi.waitFor(() => {
      expect(honest.events).toContainEqual(
        expect.objectContaining({ event: 'heard', type: 'hello', author: device }),
      );
      expect(events(honest, 'connected')).not.toEqual([]);
    }, EVENTUALLY);
  });

  it('[P-44] [P-45] [P-48] judges, votes and acknowledges, and members count it', async () => {
    const device = deviceOf(honest);
    await vi.waitFor(() => {
      expect(told('critiques').some(({ critic }) => critic === device)).toBe(true);
      expect(told('votes').some(({ voter }) => voter === device)).toBe(true);
      expect(told('accepted').some(({ strangers }) => strangers > 0)).toBe(true);
    }, EVENTUALLY);
  });

  it('[P-84] [P-90] [P-93] serves a set that its reveal only names, and a member trains on it', async () => {
    const { samples, rejections } = await admission(deviceOf(apart));
    expect(rejections).toEqual([]);
    expect(samples).not.toEqual([]);
    await vi.waitFor(() => expect(events(apart, 'trained on')).not.toEqual([]), EVENTUALLY);
  });

  it('[P-90] [P-94] [P-95] fetches a member’s rollout set and the beginning of its checkpoint', async () => {
    await vi.waitFor(() => {
      const whats = events(honest, 'fetched').map(({ what }) => what);
      expect(whats).toEqual(expect.arrayContaining(['rollouts', 'checkpoint']));
    }, EVENTUALLY);
  });

  it.each(Object.entries(HELLO_FAULTS))('[P-50] is refused with a wrong %s, as %s', async (fault, reason) => {
    await vi.waitFor(() => {
      expect(sent(faulty, 'hello', fault)).not.toEqual([]);
      expect(swarm.relay.rejected.snapshot()[reason]).toBeGreaterThan(0);
    }, EVENTUALLY);
    const device = deviceOf(faulty, fault);
    expect(honest.events.some(({ event, author }) => event === 'heard' && author === device)).toBe(false);
  });

  it.each(REVEAL_FAULTS)('[P-74] is not used with a reveal of wrong %s', async (fault) => {
    const isHonest = ({ author }: { readonly author: string }) => author === deviceOf(honest);
    const answered = () => told('answers').filter(isHonest);
    await waitForFault('reveal', fault, () => answered().map(({ round }) => round));
    const device = deviceOf(faulty, fault);
    expect(told('answers').filter(({ author }) => author === device)).toEqual([]);
  });

  it('[P-118] is not counted with a vote that another key signed', async () => {
    const voted = () => told('votes').filter(({ voter }) => voter === deviceOf(honest));
    await waitForFault('vote', 'vote', () => voted().map(({ round }) => round));
    const device = deviceOf(faulty, 'vote');
    expect(told('votes').filter(({ voter }) => voter === device)).toEqual([]);
  });

  it.each(Object.entries(SET_FAULTS))('[P-215] is not trained on with wrong %s', async (fault, reason) => {
    const { samples, rejections } = await admission(deviceOf(faulty, fault));
    expect(samples).toEqual([]);
    expect(new Set(rejections.map((rejection) => rejection.reason))).toEqual(new Set([reason]));
  });
});
