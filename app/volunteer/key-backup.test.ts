import { describe, expect, it } from 'vitest';
import { decodeKeyBackup, encodeKeyBackup, KeyBackupError } from './key-backup.ts';

const secret = new Uint8Array(32).fill(7);
const createdAt = Date.UTC(2026, 10, 22, 19, 35);

/** A good backup with some fields changed. */
function backupWith(changes: Readonly<Record<string, unknown>>): string {
  return JSON.stringify({ ...(JSON.parse(encodeKeyBackup({ secret, createdAt })) as object), ...changes });
}

describe('key backup', () => {
  it('gives back what was saved', () => {
    expect(decodeKeyBackup(encodeKeyBackup({ secret, createdAt }))).toEqual({ secret, createdAt });
  });

  it('says in the file itself what it is and that it is not encrypted', () => {
    const text = encodeKeyBackup({ secret, createdAt });
    expect(text).toContain('starling-device-key-1');
    expect(text).toContain('not encrypted');
    expect(text).toContain('"created": "2026-11-22T19:35:00.000Z"');
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
  ])('refuses %s', (_what, text, message) => {
    expect(() => decodeKeyBackup(text)).toThrow(KeyBackupError);
    expect(() => decodeKeyBackup(text)).toThrow(message);
  });

  it('takes a backup whose date was lost', () => {
    expect(decodeKeyBackup(backupWith({ created: 'long ago' })).createdAt).toBe(0);
  });
});
