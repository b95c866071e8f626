import { describe, expect, it } from 'vitest';
import { KeyInUseError } from './key-commands.ts';
import { workshop } from './testing/workshop.ts';

const OWNER = `0x${'0c'.repeat(20)}` as const;

/** A volunteer that has a key and contributes nothing. */
async function withKey(name: string) {
  const made = workshop(name);
  await made.volunteer.open();
  await made.volunteer.credentials();
  const address = made.view().device?.address;
  if (address === undefined) throw new Error('There is no key.');
  return { ...made, address, keys: made.volunteer.keys };
}

describe('key commands', () => {
  it('make a new key, stop what signs with the old one, and keep the old one', async () => {
    const { keys, view, address, log } = await withKey('rotates');
    expect(view().device).toMatchObject({ encrypted: true });
    await keys.rotate();
    const after = view().device;
    expect(after?.address).not.toBe(address);
    expect(after).toMatchObject({ backedUp: false, encrypted: true });
    expect(view().owner).toBeNull();
    expect(log).toEqual(['key lost']);
    expect((await keys.funds()).map((each) => each.address)).toEqual([after?.address, address]);
    expect(await keys.sweep({ from: address, to: OWNER })).toBe(4n);
    expect(log).toEqual(['key lost', `sent ${address} to ${OWNER}`]);

    const later = workshop('rotates');
    await later.volunteer.open();
    expect(later.view().device?.address).toBe(after?.address);
  });

  it('make no new key while bonds depend on the old one, or while the chain cannot say so', async () => {
    const { keys, view, address, bonded, fail, log } = await withKey('bonded');
    bonded.wei = 1n;
    await expect(keys.rotate()).rejects.toThrow(/only it can defend them/);
    bonded.wei = 0n;
    fail.chain = new Error('no answer');
    await expect(keys.rotate()).rejects.toThrow(KeyInUseError);
    await expect(keys.rotate()).rejects.toThrow(/The chain does not answer/);
    expect(view().device?.address).toBe(address);
    expect(log).toEqual([]);
  });

  it('make no new key while contributing, or in a second tab', async () => {
    const { volunteer, keys, view, address } = await withKey('busy');
    await volunteer.contribute('auto');
    await expect(keys.rotate()).rejects.toThrow('Stop contributing');
    await volunteer.stop();
    expect(view().device?.address).toBe(address);
    const second = workshop('busy', { elsewhere: true });
    await second.volunteer.open();
    await expect(second.volunteer.keys.rotate()).rejects.toThrow('Another tab uses the key');
  });

  it('stop what signs with the present key before its coin is sent, and know no other keys', async () => {
    const { keys, address, log } = await withKey('sweeps');
    await keys.sweep({ from: address, to: OWNER });
    expect(log).toEqual(['key lost', `sent ${address} to ${OWNER}`]);
    await expect(keys.sweep({ from: OWNER, to: OWNER })).rejects.toThrow(/not on this device/);
  });

  it('stop what signs with the key that a restored one replaces', async () => {
    const { keys, log } = await withKey('restores');
    const passphrase = 'wide river, slow bird';
    const backup = await keys.backUp(passphrase);
    expect(log).toEqual([]);
    await keys.restore(backup, passphrase);
    expect(log).toEqual(['key lost']);
  });
});
