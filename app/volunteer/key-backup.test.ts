import { describe, expect, it } from 'vitest';
import {
  BackupPassphraseError,
  decodeKeyBackup,
  encodeKeyBackup,
  KeyBackupError,
  needsPassphrase,
} from './key-backup.ts';

const secret = new Uint8Array(32).fill(7);
const createdAt = Date.UTC(2026, 10, 22, 19, 35);
const passphrase = 'wide river, slow bird';
const text = await encodeKeyBackup({ secret, createdAt }, passphrase);

/** What earlier versions wrote. */
const PLAIN = {
  format: 'starling-device-key-1',
  warning: 'Whoever reads this file can sign as this device. It is not encrypted.',
  device: (JSON.parse(text) as { readonly device: string }).device,
  created: '2026-11-22T19:35:00.000Z',
  secret: '07'.repeat(32),
};

/** A good backup with some fields changed. */
function backupWith(changes: Readonly<Record<string, unknown>>, of: object = PLAIN): string {
  return JSON.stringify({ ...of, ...changes });
}

describe('key backup', () => {
  it('gives back what was saved to whoever knows the passphrase', async () => {
    expect(needsPassphrase(text)).toBe(true);
    expect(await decodeKeyBackup(text, passphrase)).toEqual({ secret, createdAt, encrypted: true });
  });

  it('holds no secret that can be read', () => {
    expect(text).not.toContain('07'.repeat(8));
    expect(text).toContain('starling-device-key-2');
    expect(text).toContain('"created": "2026-11-22T19:35:00.000Z"');
  });

  it.each([
    ['no passphrase', null, 'is encrypted. Type the passphrase'],
    ['an empty one', '', 'is encrypted. Type the passphrase'],
    ['a wrong one', 'wide river, slow birds', 'not the passphrase of this key'],
  ])('asks again for %s', async (_what, given, message) => {
    const failed = decodeKeyBackup(text, given);
    await expect(failed).rejects.toThrow(BackupPassphraseError);
    await expect(failed).rejects.toThrow(message);
  });

  it('is saved with no short passphrase', async () => {
    await expect(encodeKeyBackup({ secret, createdAt }, 'short')).rejects.toThrow(BackupPassphraseError);
  });

  it.each([
    ['the device', { device: `0x${'00'.repeat(20)}` }, 'or the file was changed'],
    ['the date', { created: '2020-01-01T00:00:00.000Z' }, 'or the file was changed'],
    ['the encrypted part', { encrypted: { kdf: { iterations: 4e9 } } }, 'damaged'],
    ['all of the encrypted part', { encrypted: 'none' }, 'damaged'],
  ])('shows when %s was changed', async (_what, changes, message) => {
    const changed = backupWith(changes, JSON.parse(text) as object);
    const failed = decodeKeyBackup(changed, passphrase);
    await expect(failed).rejects.toThrow(KeyBackupError);
    await expect(failed).rejects.toThrow(message);
  });

  it('reads what earlier versions saved, and says that it was not encrypted', async () => {
    const plain = backupWith({});
    expect(needsPassphrase(plain)).toBe(false);
    expect(await decodeKeyBackup(plain, null)).toEqual({ secret, createdAt, encrypted: false });
  });

  it.each([
    ['no JSON', 'hello', 'cannot be read'],
    ['a list', '[]', 'not a Starling key backup'],
    ['null', 'null', 'cannot be read'],
    ['another format', backupWith({ format: 'starling-device-key-9' }), 'not a Starling key backup'],
    ['a short secret', backupWith({ secret: 'ab' }), 'damaged'],
    ['a secret that is no scalar', backupWith({ secret: 'ff'.repeat(32) }), 'not a valid key'],
    ['a secret of another device', backupWith({ secret: '08'.repeat(32) }), 'do not belong together'],
    ['far too much', ' '.repeat(10_001), 'too large'],
  ])('refuses %s', async (_what, content, message) => {
    const failed = decodeKeyBackup(content, passphrase);
    await expect(failed).rejects.toThrow(KeyBackupError);
    await expect(failed).rejects.toThrow(message);
  });

  it.each(['device', 'created'])('refuses an encrypted backup whose %s is no text', async (field) => {
    const odd = backupWith({ [field]: { toString: 1 } }, JSON.parse(text) as object);
    await expect(decodeKeyBackup(odd, passphrase)).rejects.toThrow(KeyBackupError);
  });

  it('takes a plain backup whose date was lost', async () => {
    expect((await decodeKeyBackup(backupWith({ created: 'long ago' }), null)).createdAt).toBe(0);
  });
});
