import { describe, expect, it } from 'vitest';
import { commandsIn, type Phase } from './phase.ts';
import { reduceVolunteer } from './reduce-volunteer.ts';
import { statusSentence } from './status-sentence.ts';
import { type Scene, scene } from './testing/scenes.ts';
import type { VolunteerEvent } from './volunteer-events.ts';
import { EMPTY_VIEW } from './volunteer-view.ts';

function after(name: Scene, ...events: readonly VolunteerEvent[]) {
  return [...scene(name, 0), ...events].reduce(reduceVolunteer, EMPTY_VIEW);
}

const phase = (value: Phase): VolunteerEvent => ({ kind: 'phase', phase: value });

describe('status sentence', () => {
  it('invites a newcomer and welcomes back a volunteer', () => {
    expect(statusSentence(EMPTY_VIEW).headline).toBe('Lend this device to a swarm that learns.');
    expect(statusSentence(after('returning'))).toEqual({
      headline: 'Ready to go on.',
      detail: 'This device has trained 34 rounds; its model is stored as of round 134.',
    });
  });

  it('names the round large and what is done in it below', () => {
    expect(statusSentence(after('contributing'))).toEqual({
      headline: 'Contributing to round 135.',
      detail: 'Judging the answers of 2 other peers.',
    });
  });

  it('tells waiting after a round from waiting for the first', () => {
    const waiting: VolunteerEvent = { kind: 'status', round: null, sentence: 'Waiting for round 135.' };
    const clock: VolunteerEvent = {
      kind: 'stage',
      round: 134,
      stage: 'vote',
      stageStartedAt: 0,
      stageEndsAt: 1,
    };
    expect(statusSentence(after('contributing', clock, waiting))).toEqual({
      headline: 'Contributing: round 134 is done.',
      detail: 'Waiting for round 135.',
    });
    expect(statusSentence(after('contributing', waiting)).headline).toBe(
      'Contributing from the next round on.',
    );
  });

  it('names the cause of every pause and says that nothing is lost', () => {
    const causes = (['asked', 'battery', 'failures'] as const).map(
      (cause) => statusSentence(after('contributing', phase({ kind: 'paused', cause }))).headline,
    );
    expect(new Set(causes).size).toBe(3);
    expect(statusSentence(after('paused')).detail).toBe(
      'Nothing is lost: your model is stored as of round 134.',
    );
  });

  it('gives a failure its own cause and remedy', () => {
    expect(statusSentence(after('failed'))).toMatchObject({ headline: 'The GPU went away.' });
  });

  it('never says "verified"', () => {
    const scenes: readonly Scene[] = [
      'fresh',
      'returning',
      'contributing',
      'paused',
      'failed',
      'elsewhere',
      'starting',
    ];
    for (const name of scenes) {
      const { headline, detail } = statusSentence(after(name));
      expect(`${headline} ${detail}`).not.toMatch(/verified/i);
    }
  });
});

describe('commands', () => {
  it('always leaves a way on, except while stopping', () => {
    const phases: readonly Phase[] = [
      { kind: 'idle' },
      { kind: 'starting', step: 'key' },
      { kind: 'contributing' },
      { kind: 'pausing', cause: 'asked' },
      { kind: 'paused', cause: 'battery' },
      { kind: 'finishing' },
      { kind: 'stopped', finished: true },
      { kind: 'failed', cause: 'x', remedy: 'y' },
      { kind: 'elsewhere' },
    ];
    for (const one of phases) expect(commandsIn(one).length).toBeGreaterThan(0);
    expect(commandsIn({ kind: 'stopping' })).toEqual([]);
  });
});
