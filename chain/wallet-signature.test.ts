import { type Hex, keccak256, numberToHex, parseSignature, serializeErc6492Signature, toHex } from 'viem';
import { privateKeyToAccount, sign } from 'viem/accounts';
import { describe, expect, it } from 'vitest';
import { ownerSignature } from './wallet-signature.ts';

const key: Hex = `0x${'07'.repeat(32)}`;
const owner = privateKeyToAccount(key).address;
const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
const word = (value: bigint): string => numberToHex(value, { size: 32 }).slice(2);

const account = { getCode: async () => undefined };
const contract = { getCode: async (): Promise<Hex> => '0x6001' };

/** The same signature as different wallets write it. */
const forms: readonly [string, (r: string, s: bigint, parity: number) => Hex][] = [
  ['v of 27 or 28', (r, s, parity) => `0x${r}${word(s)}${parity === 0 ? '1b' : '1c'}`],
  ['v of 0 or 1', (r, s, parity) => `0x${r}${word(s)}0${parity}`],
  ['v with chain 1 in it (EIP-155)', (r, s, parity) => `0x${r}${word(s)}${parity === 0 ? '25' : '26'}`],
  ['64 bytes (EIP-2098)', (r, s, parity) => `0x${r}${word(s | (BigInt(parity) << 255n))}`],
  ['a high s', (r, s, parity) => `0x${r}${word(ORDER - s)}${parity === 0 ? '1c' : '1b'}`],
];

describe('the signature of an owner', () => {
  it.each(forms)('is taken with %s', async (_name, write) => {
    const parities = new Set<number>();
    for (let i = 0; i < 8; i++) {
      const digest = keccak256(toHex(i));
      const expected = await sign({ hash: digest, privateKey: key, to: 'hex' });
      const { r, s, yParity } = parseSignature(expected);
      parities.add(yParity);
      const signature = write(r.slice(2), BigInt(s), yParity);
      expect(await ownerSignature({ client: account, owner, digest, signature })).toBe(expected);
    }
    expect(parities.size).toBe(2);
  });

  it('is left as it is where a contract judges it (ERC-1271)', async () => {
    for (const signature of ['0x01', `0x${'22'.repeat(64)}01`, `0x${'22'.repeat(200)}`] as const) {
      const digest = keccak256('0x');
      expect(await ownerSignature({ client: contract, owner, digest, signature })).toBe(signature);
    }
  });

  it('loses the wrapping of ERC-6492, and needs the wallet’s contract to be there', async () => {
    const signature: Hex = `0x${'22'.repeat(100)}`;
    const wrapped = serializeErc6492Signature({ address: owner, data: '0x1234', signature });
    const digest = keccak256('0x');
    const of = { owner, digest, signature: wrapped };
    expect(await ownerSignature({ client: contract, ...of })).toBe(signature);
    await expect(ownerSignature({ client: account, ...of })).rejects.toMatchObject({
      code: 'invalid',
      message: expect.stringContaining('not on the chain yet'),
    });
  });

  it.each<[string, Hex]>([
    ['nothing', '0x'],
    ['66 bytes', `0x${'11'.repeat(66)}`],
    ['no hex', `0x${'zz'.repeat(65)}`],
    ['words of no signature', `0x${'ff'.repeat(65)}`],
  ])('is not %s, and the sentence says what to do', async (_name, signature) => {
    const digest = keccak256('0x');
    await expect(ownerSignature({ client: account, owner, digest, signature })).rejects.toMatchObject({
      code: 'invalid',
      message: expect.stringContaining('sign again'),
    });
  });

  it('is not another account’s', async () => {
    const digest = keccak256('0x');
    const signature = await sign({ hash: digest, privateKey: `0x${'08'.repeat(32)}`, to: 'hex' });
    const asked = ownerSignature({ client: account, owner, digest, signature });
    await expect(asked).rejects.toThrow('another account');
  });
});
