import { chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { deviceKeyFile, KeyFileError, secretFile } from './key-file.ts';

const passphrase = 'wide river, slow bird';
const plain = { passphrase: undefined };

let home = '';
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'starling-keys-'));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(home, { recursive: true, force: true });
});

const modeOf = async (path: string) => (await stat(path)).mode & 0o777;

describe('a key file', () => {
  it('is made once, kept, and for its owner only, as is its folder', async () => {
    const path = join(home, 'deep', 'device.key');
    const key = await deviceKeyFile(path, plain);
    expect((await deviceKeyFile(path, plain)).address).toBe(key.address);
    expect(await modeOf(path)).toBe(0o600);
    expect(await modeOf(join(home, 'deep'))).toBe(0o700);
  });

  it('that others may read is closed to them, and a folder that was there is left alone', async () => {
    const folder = join(home, 'shared');
    await mkdir(folder, { mode: 0o755 });
    const path = join(folder, 'device.key');
    await writeFile(path, `0x${'07'.repeat(32)}\n`);
    await chmod(path, 0o644);
    await secretFile(path, plain);
    expect(await modeOf(path)).toBe(0o600);
    expect(await modeOf(folder)).toBe(0o755);
  });

  it.each(['', 'hello', `0x${'0'.repeat(63)}`, `0x${'g'.repeat(64)}`, '{}', 'null', ' '.repeat(20_000)])(
    'is not overwritten when it holds "%s"',
    async (content) => {
      const path = join(home, 'device.key');
      await writeFile(path, content);
      for (const options of [plain, { passphrase }])
        await expect(deviceKeyFile(path, options)).rejects.toThrow(KeyFileError);
      expect(await readFile(path, 'utf8')).toBe(content);
    },
  );

  it('is encrypted where there is a passphrase, and opens with it alone', async () => {
    const path = join(home, 'device.key');
    const secret = await secretFile(path, { passphrase });
    const text = await readFile(path, 'utf8');
    expect(text).not.toContain(Buffer.from(secret).toString('hex').slice(0, 16));
    expect(await modeOf(path)).toBe(0o600);
    expect(await secretFile(path, { passphrase })).toEqual(secret);
    await expect(secretFile(path, plain)).rejects.toThrow(/is encrypted. Name the file with its passphrase/);
    await expect(secretFile(path, { passphrase: 'wide river, slow fish' })).rejects.toThrow(
      /device\.key: That is not the passphrase/,
    );
    expect(await readFile(path, 'utf8')).toBe(text);
  });

  it('that was plain is encrypted once there is a passphrase, and keeps its key', async () => {
    const path = join(home, 'device.key');
    const secret = await secretFile(path, plain);
    expect(await secretFile(path, { passphrase })).toEqual(secret);
    expect(await readFile(path, 'utf8')).toContain('starling-key-file-1');
    expect(await secretFile(path, { passphrase })).toEqual(secret);
  });

  it('stays plain where the passphrase is too short, and says so', async () => {
    const path = join(home, 'device.key');
    await secretFile(path, plain);
    const before = await readFile(path, 'utf8');
    await expect(secretFile(path, { passphrase: 'short' })).rejects.toThrow(/fewer than 12 characters/);
    expect(await readFile(path, 'utf8')).toBe(before);
  });

  it('takes its passphrase from a file or a variable of the environment', async () => {
    const path = join(home, 'device.key');
    const words = join(home, 'words');
    await writeFile(words, `${passphrase}\nnot this line\n`);
    vi.stubEnv('STARLING_KEY_PASSPHRASE_FILE', words);
    const secret = await secretFile(path);
    vi.stubEnv('STARLING_KEY_PASSPHRASE_FILE', undefined);
    vi.stubEnv('STARLING_KEY_PASSPHRASE', passphrase);
    expect(await secretFile(path)).toEqual(secret);
    vi.stubEnv('STARLING_KEY_PASSPHRASE_FILE', join(home, 'gone'));
    await expect(secretFile(path)).rejects.toThrow(/cannot be read/);
    await writeFile(words, '\n');
    vi.stubEnv('STARLING_KEY_PASSPHRASE_FILE', words);
    await expect(secretFile(path)).rejects.toThrow(/is empty/);
  });
});
