import { expect, it } from 'vitest';
import { ATTESTED_ROUNDS } from './reduce-attested.ts';
import { reduceVolunteer } from './reduce-volunteer.ts';
import type { VolunteerEvent } from './volunteer-events.ts';
import { EMPTY_VIEW } from './volunteer-view.ts';

const attested = (round: number): VolunteerEvent => ({
  kind: 'state-attested',
  round,
  step: 10 * round,
  root: `0x${'ab'.repeat(32)}`,
});
const onChain = (round: number): VolunteerEvent => ({
  kind: 'on-chain',
  round,
  block: 9,
  gas: 16_000,
  transaction: '0xaa',
});
const play = (events: readonly VolunteerEvent[]) => events.reduce(reduceVolunteer, EMPTY_VIEW);

it('follows each attested round to the chain, and drops the oldest', () => {
  const view = play([
    attested(1),
    { kind: 'accepted', round: 1, peers: 2, strangers: 40 },
    { kind: 'accepted', round: 1, peers: 1, strangers: 0 },
    onChain(1),
    attested(2),
    onChain(7),
  ]);
  expect(view.attested).toEqual([
    {
      ...{ round: 1, step: 10, root: `0x${'ab'.repeat(32)}`, acceptedBy: 3 },
      chain: { block: 9, gas: 16_000, transaction: '0xaa' },
    },
    { round: 2, step: 20, root: `0x${'ab'.repeat(32)}`, acceptedBy: 0 },
  ]);
  const many = play(Array.from({ length: ATTESTED_ROUNDS + 3 }, (_, round) => attested(round)));
  expect(many.attested.map(({ round }) => round)).toEqual(
    Array.from({ length: ATTESTED_ROUNDS }, (_, n) => n + 3),
  );
});

it('says why a round was not attested until one is', () => {
  const missed: VolunteerEvent = { kind: 'state-not-attested', round: 3, cause: 'The record is too large.' };
  expect(play([missed]).notAttested).toEqual({ round: 3, cause: 'The record is too large.' });
  expect(play([missed, attested(4)]).notAttested).toBeNull();
});
