import { describe, expect, it } from 'vitest';
import { checkpointRoot } from '../models/checkpoint/root.ts';
import { loadModel } from '../models/decoder/load.ts';
import { blobSource } from '../models/loading/blob-source.ts';
import { tinyFiles } from '../models/loading/testing/tiny-model.ts';
import type { DeviceAddress } from '../protocol/hex.ts';
import { firstCheckpoint, writeCheckpoint } from './learning-checkpoint.ts';
import { DEFAULT_SETTINGS } from './learning-settings.ts';
import { openMemberModel } from './member-model.ts';

const DEVICE = `0x${'7'.repeat(40)}` as DeviceAddress;
const ADAPTERS = { kind: 'adapters', rank: 4, alpha: 8, targets: ['q_proj', 'v_proj'] } as const;

const files = tinyFiles({ dtype: 'F32' });

function source() {
  return blobSource(
    Object.entries(files).map(([name, data]) => new File([data as Uint8Array<ArrayBuffer>], name)),
  );
}

describe('openMemberModel', () => {
  it('starts from the weights of the files when all weights are trained', async () => {
    const member = await openMemberModel({ source: source() });
    const { config, parameters } = loadModel(files as unknown as Parameters<typeof loadModel>[0]);
    const direct = firstCheckpoint({ config, parameters, device: DEVICE, settings: DEFAULT_SETTINGS });
    const first = await member.first(DEVICE, DEFAULT_SETTINGS);
    expect(checkpointRoot(writeCheckpoint(first))).toBe(checkpointRoot(writeCheckpoint(direct)));
    expect(await member.base()).toBeUndefined();
    expect(member.format(DEFAULT_SETTINGS).id).toBe('short');
  });

  it('starts every member from the same adapters, which name the frozen weights', async () => {
    const members = [source(), source()].map((each) => openMemberModel({ source: each, trained: ADAPTERS }));
    const [mine, theirs] = await Promise.all(
      members.map(async (member) => (await member).first(DEVICE, DEFAULT_SETTINGS)),
    );
    expect(mine).toEqual(theirs);
    const base = await (await members[0])?.base();
    expect(mine).toMatchObject({ kind: 'adapters', base: base?.root });
  });

  it('reads no weights before they are needed', async () => {
    const opened: string[] = [];
    const watched = {
      ...source(),
      open: (name: string) => {
        opened.push(name);
        return source().open(name);
      },
    };
    const member = await openMemberModel({ source: watched });
    expect(opened).not.toContain('model.safetensors');
    await member.first(DEVICE, DEFAULT_SETTINGS);
    expect(opened).toContain('model.safetensors');
  });

  it('refuses adapters of a projection that no model has', async () => {
    const trained = { ...ADAPTERS, targets: ['w_proj'] };
    await expect(openMemberModel({ source: source(), trained })).rejects.toThrow('targets must be some of');
  });
});
