import { describe, expect, it } from 'vitest';
import { deviceKey } from '../../protocol/device-key.ts';
import { repeatableRandom } from '../testing/dial-world.ts';
import { Candidates } from './candidates.ts';
import { dialTarget } from './dial-target.ts';

const { peerId: PEER } = deviceKey(new Uint8Array(32).fill(1));
const at = (text: string) => [dialTarget(text, PEER)].flatMap((target) => target ?? []);

function table(record: readonly string[] = [], places?: number): Candidates {
  return new Candidates({
    now: () => 0,
    random: repeatableRandom(),
    hasRecord: (peerId) => record.includes(peerId),
    ...(places === undefined ? {} : { places }),
  });
}

describe('Candidates', () => {
  it('[P-134] keeps peers with a record, and those heard through several neighbours, before new keys', () => {
    const candidates = table(['known'], 20);
    candidates.learn('known', at('/ip4/203.0.113.1/tcp/1'), 'a');
    for (const source of ['a', 'b']) candidates.learn('heard', at('/ip4/203.0.113.1/tcp/2'), source);
    for (let n = 0; n < 1_000; n++) candidates.learn(`new ${n}`, at(`/ip4/192.0.2.1/tcp/${n + 1}`), 'a');
    const kept = candidates.peerIds();
    expect(kept).toHaveLength(20);
    expect(kept).toEqual(expect.arrayContaining(['known', 'heard']));
  });

  it('[P-134] displaces new keys of the neighbour and the prefix that brought the most', () => {
    const candidates = table([], 20);
    for (let n = 0; n < 5; n++) {
      candidates.learn(`other neighbour ${n}`, at(`/ip4/192.0.2.1/tcp/${n + 1}`), 'b');
      candidates.learn(`other prefix ${n}`, at(`/ip4/203.0.${n}.1/tcp/1`), 'a');
    }
    for (let n = 0; n < 1_000; n++) candidates.learn(`flood ${n}`, at(`/ip4/192.0.2.9/tcp/${n + 1}`), 'a');
    const kept = candidates.peerIds().filter((peerId) => !peerId.startsWith('flood'));
    expect(kept).toHaveLength(10);
  });

  it('[P-130] draws peers with a record half of the time, and of the rest those heard widely half', () => {
    const candidates = table(['known']);
    candidates.learn('known', at('/ip4/203.0.113.1/tcp/1'), 'a');
    for (const source of ['a', 'b']) candidates.learn('heard', at('/ip4/203.0.113.1/tcp/2'), source);
    for (let n = 0; n < 200; n++) candidates.learn(`new ${n}`, at(`/ip4/192.0.${n}.1/tcp/1`), 'a');
    const drawn = { known: 0, heard: 0, new: 0 };
    for (let n = 0; n < 2_000; n++) {
      const name = candidates.draw(() => true)?.candidate.peerId ?? '';
      if (name === 'known' || name === 'heard') drawn[name]++;
      else drawn.new++;
    }
    expect(Math.abs(drawn.known - 1_000)).toBeLessThan(100);
    expect(Math.abs(drawn.heard - 500)).toBeLessThan(100);
  });

  it('remembers the last four neighbours, and forgets who is silent', () => {
    let now = 0;
    const candidates = new Candidates({ now: () => now, random: () => 0, hasRecord: () => false });
    candidates.learn('peer', [], undefined);
    expect(candidates.get('peer')?.sources).toEqual(['unknown']);
    for (const source of ['a', 'b', 'c', 'd', 'e', 'b']) candidates.learn('peer', [], source);
    expect(candidates.get('peer')?.sources).toEqual(['b', 'e', 'd', 'c']);
    now = 1_001;
    candidates.forgetSilent(1_000);
    expect(candidates.peerIds()).toEqual([]);
  });
});
