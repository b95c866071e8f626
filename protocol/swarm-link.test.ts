import { describe, expect, it } from 'vitest';
import { parseSwarmName, SwarmLinkError, swarmLink } from './swarm-link.ts';

describe('a swarm’s link', () => {
  it('is read as it was written, with and without a page', () => {
    const page = 'https://example.org/starling/';
    expect(parseSwarmName(swarmLink(10, 3, page))).toEqual({ chainId: 10, swarm: 3, page });
    expect(parseSwarmName(swarmLink(10, 3))).toEqual({ chainId: 10, swarm: 3, page: undefined });
    expect(parseSwarmName('12')).toEqual({ chainId: undefined, swarm: 12, page: undefined });
  });

  it('names the remedy for anything else', () => {
    for (const text of [
      '',
      'x',
      '-1',
      '1.5',
      '#/swarm/1',
      '#/swarm/1/2/3',
      'javascript:x#/swarm/1/2',
      '1 2',
    ]) {
      expect(() => parseSwarmName(text)).toThrow(SwarmLinkError);
      expect(() => parseSwarmName(text)).toThrow('Give its number, or a link');
    }
  });
});
