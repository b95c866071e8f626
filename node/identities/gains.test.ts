import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { characterTokenizerJson } from '../../models/tokenizer/character-vocabulary.ts';
import { Tokenizer } from '../../models/tokenizer/tokenizer.ts';
import { must } from '../../protocol/must.ts';
import { selectPeers } from '../../protocol/peer-selection.ts';
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
import { digestOf, populationOf, WAYS, type Way } from './population.ts';
import { roundGains } from './round-gains.ts';

const tasks = await openTasks(DEFAULT_SETTINGS.tasks, new Map());
const format = shortFormat(completionTokenizer(new Tokenizer(characterTokenizerJson())));
const playing = (way: Way, keys: number, honest = 12) =>
  roundGains({ population: populationOf({ honest, keys, way }), tasks, format, rounds: 6 });
const keyCount = fc.integer({ min: 1, max: 256 });
const anyWay = fc.constantFrom(...WAYS);

describe('what one person’s keys gain of a round', () => {
  it('of teachers and judged peers, fresh keys have at most half and an owner’s devices one, for any secret', () => {
    const secret = fc.uint8Array({ minLength: 32, maxLength: 32 });
    const purpose = fc.constantFrom('train' as const, 'critique' as const);
    fc.assert(
      fc.property(keyCount, secret, purpose, fc.integer({ min: 1, max: 8 }), (keys, drawn, what, count) => {
        for (const [way, most] of [
          ['fresh', Math.floor(count / 2)],
          ['devices', 1],
        ] as const) {
          const { honest, own } = populationOf({ honest: 12, keys, way });
          const mine = new Set(own.map(({ author }) => author));
          const device = must(honest, 0).author;
          const options = { purpose: what, count, device, secret: drawn };
          const selected = selectPeers([...own, ...honest], options).filter(({ author }) => mine.has(author));
          expect(selected.length).toBeLessThanOrEqual(most);
        }
      }),
      { numRuns: 30 },
    );
  });

  it('[P-85] of votes, keys with a record have about their part of the members, however much they judge', () => {
    // 4 of 16 members, who approve of one another and call all others wrong.
    const { votes, falseVotes } = playing('known', 4);
    expect(votes).toBeLessThan(0.4);
    expect(falseVotes).toBeLessThan(0.3);
  });

  it('of votes, an owner’s devices have no more than a few, however many they are', () => {
    for (const keys of [8, 64]) expect(playing('devices', keys).votes).toBeLessThan(0.25);
  });

  it('[P-83] of the places of a full round, fresh keys have a quarter and an owner four', () => {
    fc.assert(
      fc.property(keyCount, (keys) => {
        expect(roundPlaces(populationOf({ honest: 256, keys, way: 'devices' }))).toBeLessThanOrEqual(4 / 256);
        expect(roundPlaces(populationOf({ honest: 256, keys, way: 'fresh' }))).toBeLessThanOrEqual(1 / 4);
      }),
      { numRuns: 8 },
    );
  });

  it('[P-48] of acks, fresh keys are not counted, and an owner’s devices count once', () => {
    fc.assert(
      fc.property(keyCount, (keys) => {
        expect(acks(populationOf({ honest: 12, keys, way: 'fresh' }))).toBe(0);
        expect(acks(populationOf({ honest: 12, keys, way: 'devices' }))).toBeCloseTo(1 / 12);
      }),
      { numRuns: 8 },
    );
  });

  it('[P-191] of checks, fresh keys take none from a full cohort, and an owner what four devices take', () => {
    expect(lostChecks(populationOf({ honest: 24, keys: 256, way: 'fresh' }))).toBe(0);
    expect(lostChecks(populationOf({ honest: 24, keys: 256, way: 'devices' }))).toBeCloseTo(
      lostChecks(populationOf({ honest: 24, keys: 4, way: 'known' })),
    );
    // Without that bound it would be nine tenths.
    expect(lostChecks(populationOf({ honest: 24, keys: 256, way: 'known' }))).toBeGreaterThan(0.8);
  });
});

describe('what one person’s keys gain of places, turns and gas', () => {
  it('[P-17] [P-135] of relays’ and members’ places, a prefix has a quarter', () => {
    fc.assert(
      fc.property(keyCount, anyWay, (keys, way) => {
        for (const limits of [RESERVATION_LIMITS, INBOUND_LIMITS]) {
          const share = addressedPlaces(limits, populationOf({ honest: limits.places, keys, way }));
          expect(share).toBeLessThanOrEqual(limits.perPrefix / limits.places);
        }
      }),
      { numRuns: 20 },
    );
  });

  it('[P-111] of gossip’s checks, fresh keys of one neighbour have the strangers’ lane, and an owner one turn', async () => {
    expect(await gossipTurns(populationOf({ honest: 16, keys: 48, way: 'fresh' }))).toBeLessThan(0.25);
    expect(await gossipTurns(populationOf({ honest: 16, keys: 48, way: 'devices' }))).toBeLessThan(0.1);
  });

  it('[P-98] of content channels, fresh keys have none while peers with a record want them, an owner a quarter', () => {
    expect(contentChannels(populationOf({ honest: 24, keys: 48, way: 'fresh' }))).toBeLessThan(0.02);
    expect(contentChannels(populationOf({ honest: 24, keys: 48, way: 'devices' }))).toBeLessThanOrEqual(
      1 / 4,
    );
  });

  it('of a submitter’s gas, an owner of 256 devices who came first leaves every other account its turn', () => {
    // 222 statements are paid for: those of 111 others, and then what nobody else may have.
    expect(submitterGas(populationOf({ honest: 111, keys: 256, way: 'devices' }))).toBeCloseTo(1 / 2);
    expect(submitterGas(populationOf({ honest: 256, keys: 256, way: 'fresh' }))).toBe(0);
    // Nor do other accounts gain by being first: half of all devices with a record have about half.
    expect(
      Math.abs(submitterGas(populationOf({ honest: 256, keys: 256, way: 'known' })) - 1 / 2),
    ).toBeLessThan(0.15);
  });

  it('of a submitter’s queue, an owner has a sixteenth and fresh keys make way', () => {
    expect(submitterQueue(populationOf({ honest: 1_024, keys: 256, way: 'devices' }))).toBeLessThanOrEqual(
      1 / 16,
    );
    expect(submitterQueue(populationOf({ honest: 1_024, keys: 256, way: 'fresh' }))).toBe(0);
  });
});

it('the same names give the same members', () => {
  expect(populationOf({ honest: 2, keys: 2, way: 'owners' })).toEqual(
    populationOf({ honest: 2, keys: 2, way: 'owners' }),
  );
  expect(digestOf('a')).not.toEqual(digestOf('b'));
});
