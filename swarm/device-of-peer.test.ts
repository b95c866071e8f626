import { describe, expect, it } from 'vitest';
import { deviceKey } from '../protocol/device-key.ts';
import { DevicesOfPeers } from './device-of-peer.ts';

describe('DevicesOfPeers', () => {
  it('[P-01] [P-02] gives the address of the device with a PeerId, again and again', () => {
    const { peerId, address } = deviceKey(new Uint8Array(32).fill(7));
    const devices = new DevicesOfPeers();
    for (let times = 0; times < 2; times++) expect(devices.of(peerId)).toBe(address);
  });

  it('gives null for the PeerId of another kind of key, and for what is none', () => {
    const devices = new DevicesOfPeers();
    const ed25519 = '12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA';
    for (const text of [ed25519, '', '0', '16Uiu2HAm']) expect(devices.of(text)).toBeNull();
  });
});
