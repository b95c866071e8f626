import { describe, expect, it } from 'vitest';
import type { Job } from '../../chain/jobs/job.ts';
import type { Funding } from './market.ts';
import { readDraft } from './propose-form.tsx';
import type { ClaimView } from './shown-claims.ts';
import { lifeOf, pledgeAction } from './task-life.ts';
import { claimView, funding, postedJob, SOMEBODY } from './testing/tasks.ts';

const at = (state: Funding['state'], more: Partial<Job> | null = null, claimed?: ClaimView, now = 1000) =>
  lifeOf({ funding: funding(state), job: more === null ? undefined : postedJob(more), claim: claimed, now });
const states = (life: ReturnType<typeof lifeOf>) => life.stages.map(({ state }) => state).join(' ');

describe('lifeOf', () => {
  it('goes from the first pledge to the pay', () => {
    expect(at('raising').next).toBe('pledge');
    expect(at('raising').stages[0]?.note).toBe('1 pledge, 60 s left');
    expect(at('reached').next).toBe('hand-over');
    expect(states(at('handed-over', {}))).toBe('done now ahead ahead ahead');
    expect(at('handed-over', {}).next).toBe('work');
    expect(at('handed-over', { state: 'claimed', worker: SOMEBODY }).next).toBeNull();
    const delivered = { state: 'delivered', worker: SOMEBODY } as const;
    expect(at('handed-over', delivered, claimView({})).next).toBeNull();
    expect(at('handed-over', delivered, claimView({}), 1201).next).toBe('accept');
    expect(states(at('ended', { state: 'accepted' }))).toBe('done done done done done');
  });

  it('waits for disputes, whatever the window says', () => {
    const life = at(
      'handed-over',
      { state: 'delivered', worker: SOMEBODY },
      claimView({ liveGames: 2 }),
      1300,
    );
    expect(life.next).toBeNull();
    expect(life.stages[3]?.note).toBe('2 in dispute');
  });

  it('offers a way on wherever something failed', () => {
    expect(at('handed-over', {}, undefined, 1101).next).toBe('expire');
    const late = { state: 'claimed', worker: SOMEBODY, failed: true } as const;
    expect(at('handed-over', late).next).toBe('reopen');
    expect(at('handed-over', late, undefined, 1101).next).toBe('expire');
    const beaten = at(
      'handed-over',
      { state: 'delivered', worker: SOMEBODY, failed: true },
      claimView({ lost: true }),
    );
    expect([beaten.next, states(beaten)]).toEqual(['reopen', 'done done done missed ahead']);
    expect(states(at('failed'))).toBe('missed ahead ahead ahead ahead');
    expect(at('ended', { state: 'expired' }).sentence).toContain('taken back');
  });
});

describe('pledgeAction', () => {
  it('gives back what failed and collects what ended, once', () => {
    expect(pledgeAction(funding('failed'), false)).toBe('refund');
    expect(pledgeAction(funding('ended'), false)).toBe('collect');
    expect(pledgeAction(funding('ended'), true)).toBeNull();
    expect(pledgeAction(funding('raising'), false)).toBeNull();
  });
});

describe('readDraft', () => {
  const good = { steps: '20', price: '0.1', days: '1', worker: '30' };

  it('reads a proposal', () => {
    expect(readDraft(good)).toMatchObject({
      proposal: {
        steps: 20,
        price: 10n ** 17n,
        bond: 10n ** 16n,
        raiseSeconds: 86_400,
        workerShares: 300_000,
      },
    });
  });

  it.each([
    ['steps', '0'],
    ['steps', '1.5'],
    ['steps', '9999'],
    ['price', '0'],
    ['price', '-1'],
    ['price', '1e3'],
    ['price', '0.1234567890123456789'],
    ['days', ''],
    ['days', '61'],
    ['worker', '101'],
  ])('says what is wrong with %s %s', (name, value) => {
    expect(readDraft({ ...good, [name]: value })).toHaveProperty('problem');
  });
});
