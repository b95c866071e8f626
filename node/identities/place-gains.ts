/** What one person's keys have of the places, turns, acks and gas of others, when all want them. */
import type { Hex } from '../../protocol/hex.ts';
import { toHex } from '../../protocol/hex.ts';
import { must } from '../../protocol/must.ts';
import { accountOf, rankOf, UNKNOWN } from '../../protocol/standing.ts';
import { Cohorts } from '../../swarm/cohorts.ts';
import { CHANNEL_LIMITS, ChannelPlaces, type Place } from '../../swarm/content/channel-places.ts';
import { Admission } from '../../swarm/messages/admission.ts';
import type { Message } from '../../swarm/messages/envelope.ts';
import { hasPlace, type PlaceLimits } from '../../swarm/relay/fair-places.ts';
import { Acknowledgements } from '../../swarm/rounds/acknowledgements.ts';
import { AuthorPlaces } from '../../swarm/rounds/author-places.ts';
import { isOfSample } from '../../swarm/rounds/object-checks.ts';
import { SimulatedScheduler } from '../../swarm/testing/simulated-scheduler.ts';
import { GasBudget } from '../gas-budget.ts';
import { ATTESTATION_GAS, planGas } from '../gas-plan.ts';
import { StatementQueue } from '../submitter-queue.ts';
import { digestOf, type Member, type Population } from './population.ts';

const ROUND = 5;
const ROOT: Hex = `0x${'01'.repeat(32)}`;

/** The share of one person's keys in something that was given out. 0 of nothing. */
function shareOf(own: number, honest: number): number {
  return own / Math.max(1, own + honest);
}

/** Of the places of a round whose 256 are all wanted, when the person's keys come first. */
export function roundPlaces({ honest, own }: Population): number {
  const standings = new Map([...own, ...honest].map(({ author, standing }) => [author, standing]));
  const places = new AuthorPlaces<Member>({
    ...{ places: 256, bytes: Number.POSITIVE_INFINITY },
    standingOf: (device) => standings.get(device) ?? UNKNOWN,
    rankOf: (author) => toHex(digestOf(`place of ${author}`)),
  });
  for (const member of [...own, ...honest]) places.set(member.author, member, 1);
  const held = (members: readonly Member[]): number =>
    members.filter(({ author }) => places.get(author) !== undefined).length;
  return shareOf(held(own), held(honest));
}

/** Of those who are counted as having accepted an honest member's attestation, when everybody says so. */
export function acks({ honest, own }: Population): number {
  const [device, ...others] = honest;
  if (device === undefined) return 0;
  const standings = new Map([...honest, ...own].map(({ author, standing }) => [author, standing]));
  let peers = 0;
  const acknowledgements = new Acknowledgements({
    gossip: { publish: () => Promise.reject(new Error('Nothing is published here.')) },
    device: device.author,
    members: () => honest.length + own.length,
    scheduler: new SimulatedScheduler(),
    round: () => ROUND,
    standingOf: (author) => standings.get(author) ?? UNKNOWN,
    onAccepted: (_round, _root, by) => {
      peers = by.peers;
    },
  });
  acknowledgements.expect(ROUND, ROOT);
  const say = ({ author }: Member): void => {
    const attestations = [{ author: device.author, round: ROUND, checkpointRoot: ROOT }];
    acknowledgements.handleAck({ author, body: { attestations } } as unknown as Message<'ack'>);
  };
  for (const member of others) say(member);
  const honestPeers = peers;
  for (const member of own) say(member);
  return shareOf(peers - honestPeers, honestPeers);
}

/**
 * The part of the checks of an honest member's attestation that honest members no longer make, because the
 * person's keys are members too. The mean over 400 attestations.
 */
export function lostChecks(population: Population): number {
  const alone = honestChecks({ ...population, own: [] });
  return Math.max(0, 1 - honestChecks(population) / alone);
}

function honestChecks({ honest, own }: Population): number {
  const device = must(honest, 0);
  const cohorts = new Cohorts({
    networkId: 'identities:1',
    publicKey: device.from,
    scheduler: new SimulatedScheduler(),
  });
  for (const { author, from, standing } of [...honest.slice(1), ...own])
    cohorts.heard({ author, from }, { authorClass: standing.kind, account: accountOf(author, standing) }, '');
  let checks = 0;
  for (let n = 0; n < 400; n++) {
    const root = toHex(digestOf(`root ${n}`));
    checks += honest.slice(1).filter(({ author }) => isOfSample(root, author, cohorts.size)).length;
  }
  return checks;
}

/** Messages a second that each member wants to have checked. */
const MESSAGES_A_SECOND = 20;
const SECONDS = 10;

/**
 * Of the checks of messages that a device makes in 10 s, when every member sends 20 messages a second and all
 * keys of the person send through one neighbour.
 */
export async function gossipTurns({ honest, own }: Population): Promise<number> {
  const scheduler = new SimulatedScheduler();
  let draws = 0;
  const random = (): number => must(digestOf(`draw ${draws++}`), 0) / 256;
  const admission = new Admission({ scheduler, random });
  const begun = { own: 0, honest: 0 };
  const ask = (member: Member, who: 'own' | 'honest'): void => {
    const { author, standing } = member;
    const source = who === 'own' ? 'the person’s neighbour' : author;
    if (admission.charge(source, 512, standing.kind) !== 'taken') return;
    const account = accountOf(author, standing);
    const arrival = { source, isOwn: who === 'honest', author, account, authorClass: standing.kind, cost: 1 };
    const turn = admission.turn(arrival);
    if (turn === true) begun[who]++;
    else if (turn !== false)
      void turn.then((begins) => {
        if (begins) begun[who]++;
      });
  };
  const pauseMs = 1_000 / MESSAGES_A_SECOND;
  for (let at = 0; at < SECONDS * 1_000; at += pauseMs) {
    for (const member of own) ask(member, 'own');
    for (const member of honest) ask(member, 'honest');
    await scheduler.advance(pauseMs);
  }
  const result = shareOf(begun.own, begun.honest);
  admission.stop();
  return result;
}

/**
 * Of places that are shared by address, when the person's keys come first from one prefix and each honest
 * member from another.
 */
export function addressedPlaces(limits: PlaceLimits, { honest, own }: Population): number {
  const person = 'the person’s';
  const held: string[] = [];
  for (const prefix of [...own.map(() => person), ...honest.map(({ author }) => author)])
    if (hasPlace(limits, prefix, held)) held.push(prefix);
  const mine = held.filter((prefix) => prefix === person).length;
  return shareOf(mine, held.length - mine);
}

/** Channels that each member wants at once, and seconds for which it does. */
const CHANNELS_EACH = 4;
const CHANNEL_SECONDS = 60;

/**
 * Of the channels of a content server over a minute, when each member always wants 4, asks again each second,
 * and the person's keys ask first.
 */
export function contentChannels({ honest, own }: Population): number {
  let now = 0;
  const places = new ChannelPlaces(CHANNEL_LIMITS, () => now);
  const open = new Map<Member, Set<Place>>();
  const ask = (member: Member): void => {
    const held = open.get(member) ?? new Set<Place>();
    open.set(member, held);
    const { author, standing } = member;
    const requester = { hasRecord: standing.kind !== 'unknown', account: accountOf(author, standing) };
    for (let missing = CHANNELS_EACH - held.size; missing > 0; missing--) {
      const place = places.take(author, requester, () => {
        if (place !== null) held.delete(place);
      });
      if (place !== null) held.add(place);
    }
  };
  const channelsOf = (members: readonly Member[]): number =>
    members.reduce((sum, member) => sum + (open.get(member)?.size ?? 0), 0);
  let [mine, theirs] = [0, 0];
  for (let second = 0; second < CHANNEL_SECONDS; second++) {
    now = second * 1_000;
    for (const held of open.values()) for (const place of held) place.lastProgress = now;
    for (const member of [...own, ...honest]) ask(member);
    mine += channelsOf(own);
    theirs += channelsOf(honest);
  }
  return shareOf(mine, theirs);
}

/** Of `serve`: docs/deploy.md. */
const GAS = { gasPerRound: 8e6, gasPerDay: 4e9 } as const;
const BATCH = 64;

/**
 * Of the gas of a round that a submitter with the usual budget spends on attestations, when each member has
 * one to post and the person's keys come first.
 */
export function submitterGas(population: Population): number {
  const budget = new GasBudget({ ...GAS, round: () => ROUND, now: () => 0 });
  const queue = queueOf(population, [ROUND]);
  const isOwn = new Set(population.own.map(({ author }) => author));
  const spent = { own: 0, honest: 0 };
  for (;;) {
    const batch = planGas({
      ...{ entries: queue.waiting(), gasOf: () => ATTESTATION_GAS, budget, onSpent: () => {} },
      placeOf: (account) => toHex(digestOf(`turn of ${account}`)),
    }).slice(0, BATCH);
    if (batch.length === 0) break;
    for (const { entry, gas } of batch) {
      const { device, value } = entry.signed;
      budget.spend(entry.rank, gas, entry.account);
      spent[isOwn.has(device) ? 'own' : 'honest'] += gas;
      queue.remove(device, value.round);
    }
  }
  return shareOf(spent.own, spent.honest);
}

/** Rounds whose statements a submitter takes at once: two before the current one, and the next. */
const OPEN_ROUNDS = [3, 4, 5, 6];

/** Of a submitter's 4,096 waiting statements, when all members fill all rounds that are open. */
export function submitterQueue(population: Population): number {
  const isOwn = new Set(population.own.map(({ author }) => author));
  const waiting = queueOf(population, OPEN_ROUNDS).waiting();
  const own = waiting.filter(({ signed }) => isOwn.has(signed.device)).length;
  return shareOf(own, waiting.length - own);
}

function queueOf({ own, honest }: Population, rounds: readonly number[]) {
  const queue = new StatementQueue<{ readonly round: number }>(4_096);
  for (const { author: device, standing } of [...own, ...honest])
    for (const round of rounds)
      queue.add({
        signed: { value: { round }, device, signature: '0x' },
        rank: rankOf(standing),
        account: accountOf(device, standing),
      });
  return queue;
}
