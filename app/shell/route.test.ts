import { describe, expect, it } from 'vitest';
import { parseRoute } from './route.ts';

describe('parseRoute', () => {
  it('reads the screens and their numbers', () => {
    expect(parseRoute('#/swarms')).toEqual({ screen: 'swarms' });
    expect(parseRoute('#/swarm/31337/4')).toEqual({ screen: 'swarm', chainId: 31_337, swarm: 4 });
    expect(parseRoute('#/jobs')).toEqual({ screen: 'jobs', job: null });
    expect(parseRoute('#/jobs/12')).toEqual({ screen: 'jobs', job: 12 });
    expect(parseRoute('#/models')).toEqual({ screen: 'models' });
    expect(parseRoute('#/checks/0')).toEqual({ screen: 'checks', claim: 0 });
  });

  it('shows the first screen for everything else', () => {
    for (const hash of [
      '',
      '#',
      '#/',
      '#/nowhere',
      '#/jobs/x',
      '#/jobs/1/2',
      '#/models/1',
      '#/swarms/1',
      '#/swarm',
      '#/swarm/1',
      '#/swarm/1/x',
      '#/swarm/1/2/3',
      `#/jobs/${'9'.repeat(16)}`,
    ]) {
      expect(parseRoute(hash)).toEqual({ screen: 'contribute' });
    }
  });
});
