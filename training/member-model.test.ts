import { describe, expect, it } from 'vitest';
import { checkpointRoot } from '../models/checkpoint/root.ts';
import { loadModel } from '../models/decoder/load.ts';
import { blobSource } from '../models/loading/blob-source.ts';
import { openModel } from '../models/loading/open-model.ts';
import { tinyFiles } from '../models/loading/testing/tiny-model.ts';
import type { DeviceAddress } from '../protocol/hex.ts';
import { firstCheckpoint, writeCheckpoint } from './learning-checkpoint.ts';
import { DEFAULT_SETTINGS } from './learning-settings.ts';
import { memberModel } from './member-model.ts';

const DEVICE = `0x${'7'.repeat(40)}` as DeviceAddress;
const ADAPTERS = { kind: 'adapters', rank: 4, alpha: 8, targets: ['q_proj', 'v_proj'] } as const;

async function opened() {
  const files = Object.entries(tinyFiles({ dtype: 'F32' })).map(
    ([name, data]) => new File([data as Uint8Array<ArrayBuffer>], name),
  );
  return openModel(blobSource(files));
}

const options = { settings: DEFAULT_SETTINGS, device: DEVICE };

describe('memberModel', () => {
  it('starts from the weights of the files when all weights are trained', async () => {
    const { base, format, first } = await memberModel({
      ...options,
      model: await opened(),
      trained: { kind: 'full' },
    });
    const files = tinyFiles({ dtype: 'F32' }) as unknown as Parameters<typeof loadModel>[0];
    const { config, parameters } = loadModel(files);
    const direct = firstCheckpoint({ config, parameters, ...options });
    expect(checkpointRoot(writeCheckpoint(await first()))).toBe(checkpointRoot(writeCheckpoint(direct)));
    expect(base).toBeUndefined();
    expect(format.id).toBe('short');
  });

  it('starts every member from the same adapters, which name the frozen weights', async () => {
    const one = await memberModel({ ...options, model: await opened(), trained: ADAPTERS });
    const other = await memberModel({ ...options, model: await opened(), trained: ADAPTERS });
    const [mine, theirs] = [await one.first(), await other.first()];
    expect(writeCheckpoint(mine)).toEqual(writeCheckpoint(theirs));
    expect(mine).toMatchObject({ kind: 'adapters', base: one.base?.root });
  });

  it('refuses adapters of a projection that no model has', async () => {
    const model = await opened();
    const trained = { ...ADAPTERS, targets: ['w_proj'] };
    await expect(memberModel({ ...options, model, trained })).rejects.toThrow('targets must be some of');
  });
});
