import { generateKeyPair } from '@libp2p/crypto/keys';
import { peerIdFromPrivateKey } from '@libp2p/peer-id';
import { expect, it } from 'vitest';
import { peerIdOf } from './peer-id-of.ts';

it('has the peer id of a text, and the same one the next time', async () => {
  const peer = peerIdFromPrivateKey(await generateKeyPair('secp256k1'));
  const first = peerIdOf(peer.toString());
  expect(first.equals(peer)).toBe(true);
  expect(peerIdOf(peer.toString())).toBe(first);
});

it('refuses a text that is no peer id, each time', () => {
  for (let n = 0; n < 2; n++) expect(() => peerIdOf('16Uiu2HAm-not-a-peer')).toThrow();
});

it('goes on when it has forgotten a peer', async () => {
  const [first, ...others] = await Promise.all(
    Array.from({ length: 4_097 }, async () =>
      peerIdFromPrivateKey(await generateKeyPair('Ed25519')).toString(),
    ),
  );
  for (const text of [first, ...others]) expect(peerIdOf(text ?? '').toString()).toBe(text);
  expect(peerIdOf(first ?? '').toString()).toBe(first);
});
