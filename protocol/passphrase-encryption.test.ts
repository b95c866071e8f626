import { describe, expect, it, vi } from 'vitest';
import {
  decryptSecret,
  EncryptedSecretError,
  encryptSecret,
  PassphraseError,
  passphraseProblem,
} from './passphrase-encryption.ts';

const secret = new Uint8Array(32).fill(7);
const passphrase = 'wide river, slow bird';
const context = 'starling device 0x01';

const encrypted = await encryptSecret({ secret, passphrase, context });
const { kdf, cipher } = encrypted;

describe('encryption with a passphrase', () => {
  it('gives the secret back, and shows nothing of it', async () => {
    expect(await decryptSecret({ encrypted, passphrase, context })).toEqual(secret);
    const text = JSON.stringify(encrypted);
    expect(text).not.toContain('07070707');
    expect(encrypted.ciphertext).toHaveLength(2 + 2 * (32 + 16));
    expect(kdf.iterations).toBeGreaterThanOrEqual(600_000);
    expect(JSON.parse(text)).toEqual(encrypted);
  });

  it('has a salt and a nonce of its own each time', async () => {
    const again = await encryptSecret({ secret, passphrase, context });
    expect(again.kdf.salt).not.toBe(kdf.salt);
    expect(again.cipher.nonce).not.toBe(cipher.nonce);
    expect(again.ciphertext).not.toBe(encrypted.ciphertext);
  });

  it('is opened by the same characters however a keyboard composes them', async () => {
    const composed = await encryptSecret({ secret, passphrase: 'größere Vögel fliegen', context });
    const typed = 'größere Vögel fliegen'.normalize('NFD');
    expect(await decryptSecret({ encrypted: composed, passphrase: typed, context })).toEqual(secret);
  });

  it.each([
    ['another passphrase', { encrypted, passphrase: 'wide river, slow birds', context }],
    ['no passphrase', { encrypted, passphrase: '', context }],
    ['an endless passphrase', { encrypted, passphrase: 'x'.repeat(1_000_000), context }],
    ['another context', { encrypted, passphrase, context: 'starling device 0x02' }],
    [
      'a changed ciphertext',
      {
        encrypted: { ...encrypted, ciphertext: `0x00${encrypted.ciphertext.slice(4)}` },
        passphrase,
        context,
      },
    ],
  ])('refuses %s with a sentence', async (_what, options) => {
    const failed = decryptSecret(options);
    await expect(failed).rejects.toThrow(PassphraseError);
    await expect(failed).rejects.toThrow(/not the passphrase of this key, or the file was changed/);
  });

  it.each([
    ['nothing', null, 'damaged'],
    ['no cost', { ...encrypted, kdf: { ...kdf, iterations: 1 } }, '100000 to 5000000'],
    ['endless work', { ...encrypted, kdf: { ...kdf, iterations: 4_000_000_000 } }, '100000 to 5000000'],
    ['a cost that is no number', { ...encrypted, kdf: { ...kdf, iterations: '600000' } }, 'damaged'],
    ['another function', { ...encrypted, kdf: { ...kdf, name: 'scrypt' } }, 'newer version'],
    ['a weak hash', { ...encrypted, kdf: { ...kdf, hash: 'SHA-1' } }, 'newer version'],
    ['another cipher', { ...encrypted, cipher: { ...cipher, name: 'AES-CBC' } }, 'newer version'],
    ['a short salt', { ...encrypted, kdf: { ...kdf, salt: '0x' } }, 'damaged'],
    ['a long nonce', { ...encrypted, cipher: { ...cipher, nonce: `0x${'00'.repeat(13)}` } }, 'damaged'],
    ['a huge ciphertext', { ...encrypted, ciphertext: `0x${'00'.repeat(100_000)}` }, 'damaged'],
    ['no hexadecimal', { ...encrypted, ciphertext: `0x${'zz'.repeat(48)}` }, 'damaged'],
  ])('refuses %s before any work', async (_what, content, message) => {
    const derived = vi.spyOn(crypto.subtle, 'deriveKey');
    const failed = decryptSecret({ encrypted: content, passphrase, context });
    await expect(failed).rejects.toThrow(EncryptedSecretError);
    await expect(failed).rejects.toThrow(message);
    expect(derived).not.toHaveBeenCalled();
    derived.mockRestore();
  });

  it('takes no short passphrase to encrypt with', async () => {
    await expect(encryptSecret({ secret, passphrase: 'swordfish', context })).rejects.toThrow(
      /fewer than 12 characters/,
    );
    expect(passphraseProblem('x'.repeat(1025))).toMatch(/more than 1024/);
    expect(passphraseProblem(passphrase)).toBeNull();
  });
});
