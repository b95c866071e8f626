/** What n keys of one person gain of everything that members provide for one another. */
import { characterTokenizerJson } from '../../models/tokenizer/character-vocabulary.ts';
import { Tokenizer } from '../../models/tokenizer/tokenizer.ts';
import { INBOUND_LIMITS } from '../../swarm/node.ts';
import { RESERVATION_LIMITS } from '../../swarm/relay/reservations.ts';
import { completionTokenizer } from '../../training/completion-tokenizer.ts';
import { DEFAULT_SETTINGS } from '../../training/learning-settings.ts';
import { shortFormat } from '../../training/short-format.ts';
import { openTasks } from '../../training/tasks/task-source.ts';
import {
  acks,
  addressedPlaces,
  contentChannels,
  gossipTurns,
  lostChecks,
  roundPlaces,
  submitterGas,
  submitterQueue,
} from './place-gains.ts';
import { type Population, populationOf, type Way } from './population.ts';
import { type RoundGains, roundGains } from './round-gains.ts';

/** What keys can have a share of. */
export const GAINS = {
  teachers: 'peers on whose answers a member trains',
  judged: 'peers whose answers a member judges',
  votes: 'a member’s votes',
  falseVotes: 'a member’s votes on questions that an honest member answered',
  acks: 'peers that accepted an attestation',
  'lost checks': 'checks of an attestation that honest members no longer make',
  'round places': 'answers kept of a round, of 256, when full',
  'gossip turns': 'checks of messages, when all send 20 a second',
  'relay places': 'reservations of a relay, of 512, when full',
  'member places': 'connections that a member takes, of 48, when full',
  'content channels': 'channels of a content server, of 32, when full',
  'submitter gas': 'a submitter’s gas of a round, when all want it',
  'submitter queue': 'statements that wait at a submitter, of 4,096, when full',
} as const;
export type Gain = keyof typeof GAINS;

/** The keys for which shares are worked out. An owner has at most the last number of devices. */
export const KEY_COUNTS = [1, 2, 4, 8, 16, 32, 256] as const;

/** A share from 0 to 1 of each gain. */
export type Shares = Readonly<Record<Gain, number>>;

export interface SharesOptions {
  /** Honest members, each with a record, where nothing is full. */
  readonly honest: number;
  readonly keys: number;
  readonly way: Way;
  /** Rounds that are played. */
  readonly rounds: number;
}

/**
 * The shares of one person's keys. Where places run out only when they are full, as many honest members want
 * them as there are.
 */
export async function sharesOf({ honest, keys, way, rounds }: SharesOptions): Promise<Shares> {
  const members = populationOf({ honest, keys, way });
  const among = (count: number): Population => populationOf({ honest: count, keys, way });
  return {
    ...(await gainsOfRounds(members, rounds)),
    acks: acks(members),
    'lost checks': lostChecks(members),
    'round places': roundPlaces(among(256)),
    'gossip turns': await gossipTurns(members),
    'relay places': addressedPlaces(RESERVATION_LIMITS, among(RESERVATION_LIMITS.places)),
    'member places': addressedPlaces(INBOUND_LIMITS, among(INBOUND_LIMITS.places)),
    'content channels': contentChannels(members),
    'submitter gas': submitterGas(among(256)),
    'submitter queue': submitterQueue(among(1_024)),
  };
}

async function gainsOfRounds(population: Population, rounds: number): Promise<RoundGains> {
  const tasks = await openTasks(DEFAULT_SETTINGS.tasks, new Map());
  const format = shortFormat(completionTokenizer(new Tokenizer(characterTokenizerJson())));
  return roundGains({ population, tasks, format, rounds });
}
