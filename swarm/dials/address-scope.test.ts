import { multiaddr } from '@multiformats/multiaddr';
import { describe, expect, it } from 'vitest';
import { scopeOf } from './address-scope.ts';

describe('scopeOf', () => {
  it.each([
    ['/ip4/203.0.113.9', 'public'],
    ['/ip4/172.15.0.1', 'public'],
    ['/ip4/172.16.0.1', 'private'],
    ['/ip4/172.31.255.1', 'private'],
    ['/ip4/10.1.2.3', 'private'],
    ['/ip4/192.168.1.1', 'private'],
    ['/ip4/100.64.0.1', 'private'],
    ['/ip4/100.128.0.1', 'public'],
    ['/ip4/127.9.9.9', 'loopback'],
    ['/ip4/169.254.169.254', 'link-local'],
    ['/ip4/0.0.0.0', 'special'],
    ['/ip4/192.0.0.8', 'special'],
    ['/ip4/198.19.0.1', 'special'],
    ['/ip4/239.1.1.1', 'special'],
    ['/ip4/255.255.255.255', 'special'],
    ['/ip6/2606:4700::1', 'public'],
    ['/ip6/::1', 'loopback'],
    ['/ip6/::', 'special'],
    ['/ip6/::7f00:1', 'special'],
    ['/ip6/::ffff:127.0.0.1', 'loopback'],
    ['/ip6/::ffff:10.0.0.1', 'private'],
    ['/ip6/::ffff:203.0.113.9', 'public'],
    ['/ip6/64:ff9b::a9fe:a9fe', 'link-local'],
    ['/ip6/64:ff9b:1::1', 'special'],
    ['/ip6/2002:c0a8:101::1', 'private'],
    ['/ip6/2001:0:1:2::3', 'special'],
    ['/ip6/fe80::1', 'link-local'],
    ['/ip6/fec0::1', 'private'],
    ['/ip6/fd00:ec2::254', 'private'],
    ['/ip6/ff02::1', 'special'],
    ['/dns4/localhost', null],
    ['/unix/%2Frun%2Fdocker.sock', null],
  ])('[P-18] %s is %s', (text, scope) => {
    expect(scopeOf(multiaddr(text))).toBe(scope);
  });
});
