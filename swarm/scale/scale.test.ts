import { describe, expect, it } from 'vitest';
import { type Measurement, measure } from './measure.ts';

const RELATIVE = 0.25;

/** Whether two figures of model and original differ by at most a quarter. */
function isNear(model: number, original: number): boolean {
  return Math.abs(model - original) <= RELATIVE * original;
}

function copiesOf({ types }: Measurement): number {
  return [...types.values()].reduce((sum, { copies }) => sum + copies, 0);
}

describe('the cost of a round', () => {
  it('comes out alike with gossipsub and with the model of it', async () => {
    const options = { peers: 12, rounds: 1, checks: 'shared' } as const;
    const real = await measure({ ...options, gossip: 'gossipsub' });
    const model = await measure({ ...options, gossip: 'model' });
    for (const { attested, rejected } of [real, model]) {
      expect(attested).toBe(1);
      expect(rejected).toEqual({});
    }
    // Everybody hears everybody in both.
    for (const type of ['commit', 'reveal', 'critique', 'vote'] as const) {
      expect(real.types.get(type)?.arrivals).toBe(11);
      expect(model.types.get(type)?.arrivals).toBe(11);
    }
    expect(isNear(copiesOf(model), copiesOf(real))).toBe(true);
    expect(isNear(model.figures.bytesPerMember, real.figures.bytesPerMember)).toBe(true);
    expect(isNear(model.figures.delayMs, real.figures.delayMs)).toBe(true);
  }, 60_000);
});
