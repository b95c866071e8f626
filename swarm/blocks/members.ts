import { multiaddr } from '@multiformats/multiaddr';
import { accountOf } from '../../protocol/standing.ts';
import { scopeOf } from '../dials/address-scope.ts';
import type { Member } from '../presence.ts';
import { addressPrefix } from '../relay/fair-places.ts';
import type { Standings } from '../standings.ts';
import type { BlockMember } from './holders.ts';

/** What the choice of keepers goes by, beside what a device says of itself. */
export interface MemberRules {
  readonly standings: Pick<Standings, 'now'>;
  /** On a network on one machine all devices have the same address, and addresses do not count. */
  readonly local: boolean;
}

/**
 * A device as keepers are chosen among such: by what the chain says of it, which is the same for everybody.
 * This device describes itself so too.
 */
export function blockMemberOf(
  { device, peerId, addresses }: Pick<Member, 'device' | 'peerId' | 'addresses'>,
  { standings, local }: MemberRules,
): BlockMember {
  const standing = standings.now(device);
  return {
    device,
    peerId,
    account: accountOf(device, standing),
    prefixes: local ? [] : prefixesOf(addresses),
    hasRecord: standing.kind !== 'unknown',
  };
}

/** The devices that presence has heard of lately. */
export function blockMembers(members: readonly Member[], rules: MemberRules): readonly BlockMember[] {
  return members.map((member) => blockMemberOf(member, rules));
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
