import { describe, expect, it } from 'vitest';
import { type Network, parseNetwork } from '../../protocol/network-file.ts';
import { nextNetwork } from './next-network.ts';

const networkAt = (digit: string): Network =>
  parseNetwork({
    rpc: 'http://127.0.0.1:8545',
    chainId: 31_337,
    contracts: {
      identity: `0x${digit.repeat(40)}`,
      swarms: `0x${digit.repeat(40)}`,
      participation: `0x${digit.repeat(40)}`,
    },
    relays: [],
  });

describe('the next network', () => {
  it('is the first other deployment of the file, which may be absent for a while', async () => {
    const answers = [networkAt('1'), new Error('absent'), networkAt('1'), networkAt('2')];
    const found = await nextNetwork({
      current: networkAt('1'),
      read: async () => {
        const answer = answers.shift();
        if (answer === undefined || answer instanceof Error) throw answer ?? new Error('read too often');
        return answer;
      },
      sleep: async () => undefined,
      signal: new AbortController().signal,
    });
    expect(found).toEqual(networkAt('2'));
    expect(answers).toEqual([]);
  });

  it('is none when one stops waiting', async () => {
    const stopped = new AbortController();
    const found = await nextNetwork({
      current: networkAt('1'),
      read: async () => networkAt('1'),
      sleep: async () => stopped.abort(),
      signal: stopped.signal,
    });
    expect(found).toBeUndefined();
  });
});
