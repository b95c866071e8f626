/** What one person's keys have of a round, by the records, the selection and the votes of the product. */
import type { DeviceAddress, Hex } from '../../protocol/hex.ts';
import { toHex } from '../../protocol/hex.ts';
import type { ClockReading } from '../../protocol/ledger.ts';
import { must } from '../../protocol/must.ts';
import { selectPeers } from '../../protocol/peer-selection.ts';
import { UNKNOWN } from '../../protocol/standing.ts';
import type { Judgement, PeerRollouts, RolloutSet } from '../../protocol/trainer.ts';
import { commitmentOf } from '../../swarm/messages/commitment.ts';
import type { Message } from '../../swarm/messages/envelope.ts';
import { LIMITS } from '../../swarm/messages/limits.ts';
import type { Body, MessageType } from '../../swarm/messages/message-types.ts';
import { encodeRollouts } from '../../swarm/messages/rollouts.ts';
import { RoundRecords } from '../../swarm/rounds/round-records.ts';
import { ROUND_SETTINGS } from '../../swarm/rounds/round-settings.ts';
import type { Scheduler } from '../../swarm/scheduler.ts';
import { castBallots } from '../../training/critique.ts';
import { DEFAULT_SETTINGS } from '../../training/learning-settings.ts';
import { openRound, type Round } from '../../training/open-round.ts';
import type { PromptFormat } from '../../training/prompt-format.ts';
import type { TaskSource } from '../../training/tasks/task-source.ts';
import { digestOf, type Member, type Population } from './population.ts';

const ROUND = 5;
const SALT: Hex = `0x${'5a'.repeat(32)}`;
const NETWORK = 'identities:1';
/** The same wrong answer of all keys of the person. */
const WRONG = 'zz';

/** Each a share from 0 to 1. */
export interface RoundGains {
  /** Of the peers on whose answers an honest member trains. */
  readonly teachers: number;
  /** Of the peers whose answers an honest member judges. */
  readonly judged: number;
  /** Of an honest member's votes, those for the person's wrong answers. */
  readonly votes: number;
  /** The same, counting only the questions to which an honest member gave the right answer. */
  readonly falseVotes: number;
}

export interface RoundGainsOptions {
  readonly population: Population;
  readonly tasks: TaskSource;
  readonly format: PromptFormat;
  /** Rounds, each with a seed and a voter of its own. */
  readonly rounds: number;
}

/**
 * Plays the answer, critique and vote stages of rounds as honest members see them. Honest members answer and
 * judge rightly. All keys of the person give one wrong answer, approve of one another and of nobody else.
 */
export function roundGains({ population, tasks, format, rounds }: RoundGainsOptions): RoundGains {
  const mine = new Set(population.own.map(({ author }) => author));
  const seen: Record<keyof RoundGains, DeviceAddress[]> = {
    ...{ teachers: [], judged: [], votes: [], falseVotes: [] },
  };
  for (let number = 0; number < rounds; number++) {
    const seed = toHex(digestOf(`seed ${number}`));
    const voter = must(population.honest, number % population.honest.length);
    const context = { round: ROUND, seed, device: voter.author };
    const round = openRound(context, DEFAULT_SETTINGS, tasks);
    const { records, clock } = recordsOf(population, voter, number);
    const sets = new Map(
      [...population.honest, ...population.own].map((member): [DeviceAddress, RolloutSet] => [
        member.author,
        answersOf(member.author, round, mine.has(member.author)),
      ]),
    );
    const others = [...population.own, ...population.honest].filter(({ author }) => author !== voter.author);
    for (const member of others) {
      const digest = commitmentOf(SALT, member.author, encodeRollouts(setOf(sets, member)).cid);
      records.commit(message(member, 'commit', { digest }));
    }
    clock.sinceStageStart = 7_000;
    for (const member of others) {
      const rollouts = setOf(sets, member);
      const { cid } = encodeRollouts(rollouts);
      records.reveal(message(member, 'reveal', { salt: SALT, cid, rollouts }));
    }
    clock.stage = 'vote';
    const judged = records.select('critique', context);
    const teachers = records.select('train', context);
    seen.judged.push(...judged.map(({ author }) => author));
    seen.teachers.push(...teachers.map(({ author }) => author));
    for (const member of others) {
      const judgements = mine.has(member.author)
        ? liesOf(member, population, sets)
        : honestJudgements(member, population, sets, round, number);
      records.critique(message(member, 'critique', { judgements }));
    }
    const own: PeerRollouts = { author: voter.author, cid: voter.author, set: setOf(sets, voter) };
    const all = [own, ...new Map([...judged, ...teachers].map((peer) => [peer.author, peer])).values()];
    const ballots = castBallots(format, round, all, records.critiques(ROUND));
    seen.votes.push(...ballots.map(({ author }) => author));
    const answered = new Set(
      all
        .filter(({ author }) => author !== voter.author && !mine.has(author))
        .flatMap(({ set }) => set.groups.map(({ item }) => item)),
    );
    seen.falseVotes.push(...ballots.filter(({ item }) => answered.has(item)).map(({ author }) => author));
  }
  const shareOf = (what: keyof RoundGains): number => {
    const authors = seen[what];
    return authors.filter((author) => mine.has(author)).length / Math.max(1, authors.length);
  };
  return {
    teachers: shareOf('teachers'),
    judged: shareOf('judged'),
    votes: shareOf('votes'),
    falseVotes: shareOf('falseVotes'),
  };
}

function recordsOf({ honest, own }: Population, voter: Member, number: number) {
  const standings = new Map([...honest, ...own].map(({ author, standing }) => [author, standing]));
  const clock: { -readonly [K in keyof ClockReading]: ClockReading[K] } = {
    ...{ round: ROUND, stage: 'answer', sinceStageStart: 100, untilStageEnd: 3_000, seed: SALT },
  };
  const records = new RoundRecords({
    device: voter.author,
    clock: { read: () => clock },
    content: { fetchObject: () => Promise.reject(new Error('Every set comes with its reveal.')) },
    settings: ROUND_SETTINGS,
    standingOf: (device) => standings.get(device) ?? UNKNOWN,
    secretOf: () => secretOf(voter, number),
    placeSecret: digestOf(`places ${number}`),
    reject: () => {},
    onSelected: () => {},
    scheduler: TIMELESS,
    signal: new AbortController().signal,
  });
  return { records, clock };
}

/** Nothing here waits. */
const TIMELESS: Scheduler = { now: () => 0, after: () => () => {} };

function secretOf(member: Member, number: number): Uint8Array {
  return digestOf(`secret ${number} of ${member.author}`);
}

function setOf(sets: ReadonlyMap<DeviceAddress, RolloutSet>, { author }: Pick<Member, 'author'>): RolloutSet {
  const set = sets.get(author);
  if (set === undefined) throw new RangeError(`${author} has no answers.`);
  return set;
}

function answersOf(author: DeviceAddress, round: Round, isWrong: boolean): RolloutSet {
  return {
    author,
    modelRoot: SALT,
    groups: round.drawOf(author).map((item) => ({
      item,
      completions: [
        { text: isWrong ? WRONG : must(round.items, item).answer, tokens: [1], logprobs: [-0.5] },
      ],
    })),
  };
}

/** An honest member judges the answers of those whom it selects, as many as the settings say. */
function honestJudgements(
  critic: Member,
  { honest, own }: Population,
  sets: ReadonlyMap<DeviceAddress, RolloutSet>,
  round: Round,
  number: number,
): readonly Judgement[] {
  const { critiquePeers: count, critiqueItems } = round.settings;
  const options = { purpose: 'critique', count, device: critic.author } as const;
  const selected = selectPeers([...honest, ...own], { ...options, secret: secretOf(critic, number) });
  return selected.flatMap(({ author }) =>
    setOf(sets, { author })
      .groups.slice(0, critiqueItems)
      .map(({ item, completions }) => {
        const right = must(completions, 0).text === must(round.items, item).answer;
        return { item, author, sample: 0, text: right ? 'right' : 'wrong', right };
      }),
  );
}

/**
 * A key of the person approves of its keys' answers and calls the others' wrong, while there is room. The
 * keys begin with different ones, because only the first judgements of a critic count.
 */
function liesOf(
  critic: Member,
  { honest, own }: Population,
  sets: ReadonlyMap<DeviceAddress, RolloutSet>,
): readonly Judgement[] {
  const at = own.indexOf(critic);
  const about = (members: readonly Member[], right: boolean): readonly Judgement[] =>
    members.flatMap(({ author }) =>
      setOf(sets, { author }).groups.map(({ item }) => ({ item, author, sample: 0, text: WRONG, right })),
    );
  const fellows = about([...own.slice(at + 1), ...own.slice(0, at)], true);
  return [...fellows.slice(0, LIMITS.judgements / 2), ...about(honest, false)].slice(0, LIMITS.judgements);
}

function message<T extends MessageType>({ author, from }: Member, type: T, body: Body<T>): Message<T> {
  const envelope = { networkId: NETWORK, round: ROUND, seq: 1, from, author, signature: new Uint8Array(64) };
  return { ...envelope, type, body, id: `${type} ${author}` } as Message<T>;
}
