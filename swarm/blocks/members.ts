import { multiaddr } from '@multiformats/multiaddr';
import { accountOf } from '../../protocol/standing.ts';
import { scopeOf } from '../dials/address-scope.ts';
import type { Member, Presence } from '../presence.ts';
import { addressPrefix } from '../relay/fair-places.ts';
import type { Standings } from '../standings.ts';
import type { BlockMember } from './holders.ts';

/**
 * The devices that are there, as keepers of blocks are chosen among them: presence says who, and the chain
 * whose they are. On a `local` network addresses do not count, because all devices have the same one there.
 */
export function blockMembers(options: {
  readonly presence: Pick<Presence, 'members'>;
  readonly standings: Pick<Standings, 'now'>;
  readonly local: boolean;
}): readonly BlockMember[] {
  const { presence, standings, local } = options;
  return presence.members().map(({ device, peerId, addresses }: Member) => {
    const standing = standings.now(device);
    return {
      device,
      peerId,
      account: accountOf(device, standing),
      prefixes: local ? [] : prefixesOf(addresses),
      hasRecord: standing.kind !== 'unknown',
    };
  });
}

/**
 * Prefixes of the public IP addresses among these. An address through a relay is the relay's, and says
 * nothing of the device: a tab has none of its own.
 */
export function prefixesOf(addresses: readonly string[]): readonly string[] {
  const prefixes = addresses.flatMap((text) => {
    if (text.includes('/p2p-circuit')) return [];
    try {
      const address = multiaddr(text);
      return scopeOf(address) === 'public' ? [addressPrefix(address)] : [];
    } catch {
      return [];
    }
  });
  return [...new Set(prefixes)];
}
