import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { describe, expect, it } from 'vitest';
import { openWebGpuEngine } from '../engine.ts';
import { openDawnAdapter, SWIFTSHADER_ICD } from './dawn.ts';

// That the hashes are right is rule [EN-14] of the engine contract (../contract.test.ts).
describe.skipIf(!existsSync(SWIFTSHADER_ICD))('hashing on the GPU (needs SwiftShader)', () => {
  it('hashes all tensors in one submission', async () => {
    process.env.XDG_RUNTIME_DIR ??= tmpdir();
    const { gpu, adapter } = await openDawnAdapter({ vulkanDriver: SWIFTSHADER_ICD });
    const engine = await openWebGpuEngine(adapter);
    const tensors = [1, 1024, 11 * 1024 + 5].map((length) => engine.allocate([length], 'f32'));
    expect(await engine.hash(tensors)).toHaveLength(3);
    expect(engine.submissions).toBe(1);
    await engine.stop();
    expect(gpu).toBeDefined();
  });
});
