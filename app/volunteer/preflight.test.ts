import { describe, expect, it } from 'vitest';
import { formatBytes } from '../ui/format.ts';
import { type DeviceProbe, findingsOf, inspectDevice } from './preflight.ts';

const plan = { modelBytes: 400_000, fetches: 'all', codeBytes: 600_000, memoryBytes: 200_000_000 } as const;

const modern: DeviceProbe = {
  navigator: {
    gpu: { requestAdapter: async () => ({ info: { vendor: 'nvidia', architecture: 'ampere' } }) },
    hardwareConcurrency: 8,
    deviceMemory: 8,
    locks: {},
    storage: {
      estimate: async () => ({ quota: 10_000_000_000, usage: 1_000_000_000 }),
      persisted: async () => true,
      getDirectory: () => undefined,
    },
  },
  isSecureContext: true,
  crossOriginIsolated: true,
  webrtc: true,
  validate: (module) => WebAssembly.validate(module),
};

describe('pre-flight', () => {
  it('finds out what a modern browser can do', async () => {
    expect(await inspectDevice(modern)).toEqual({
      secure: true,
      webgpu: { available: true, adapter: 'nvidia ampere', why: '' },
      threads: 8,
      isolated: true,
      simd: true,
      storage: 9_000_000_000,
      persisted: true,
      memory: 8,
      webrtc: true,
      webLocks: true,
      privateFiles: true,
      battery: null,
    });
  });

  it('counts what it cannot find out as absent and never throws', async () => {
    const bare: DeviceProbe = {
      navigator: {},
      isSecureContext: true,
      crossOriginIsolated: false,
      webrtc: false,
      validate: () => false,
    };
    const broken: DeviceProbe = {
      ...modern,
      navigator: {
        gpu: {
          requestAdapter: async () => {
            throw new Error('blocked by policy');
          },
        },
        storage: {
          estimate: async () => {
            throw new Error('no');
          },
        },
      },
    };
    expect(await inspectDevice(bare)).toMatchObject({
      threads: 1,
      storage: null,
      battery: null,
      memory: null,
    });
    expect(await inspectDevice(broken)).toMatchObject({
      webgpu: { available: false, why: 'blocked by policy' },
      storage: null,
    });
  });

  it('stops only what cannot work', async () => {
    const good = findingsOf(await inspectDevice(modern), plan, formatBytes);
    expect(good.every((finding) => finding.level === 'good')).toBe(true);
    const alone = findingsOf(await inspectDevice({ ...modern, webrtc: false }), plan, formatBytes);
    expect(alone.filter((finding) => finding.level === 'stop').map((finding) => finding.id)).toEqual([
      'webrtc',
    ]);
  });

  it('blames the address alone for everything that browsers hold back at an insecure one', async () => {
    const { navigator } = modern;
    const preflight = await inspectDevice({
      ...modern,
      isSecureContext: false,
      crossOriginIsolated: false,
      navigator: { hardwareConcurrency: navigator.hardwareConcurrency ?? 1 },
    });
    expect(findingsOf(preflight, plan, formatBytes)).toEqual([
      { id: 'address', level: 'stop', text: expect.stringMatching(/^Open this page over https/) },
    ]);
  });

  it('names the limit when storage is short, threads are off or power is', async () => {
    const preflight = await inspectDevice({
      ...modern,
      crossOriginIsolated: false,
      navigator: {
        ...modern.navigator,
        storage: { estimate: async () => ({ quota: 1_000_000 }), getDirectory: () => undefined },
        getBattery: async () => ({ charging: false, level: 0.42 }),
      },
    });
    const texts = findingsOf(preflight, plan, formatBytes).map(
      (finding) => `${finding.level}: ${finding.text}`,
    );
    expect(texts).toContain('fair: Only 1 MB of storage left here; checkpoints want about 1.6 MB.');
    expect(texts.some((text) => text.startsWith('fair: One thread only'))).toBe(true);
    expect(texts.some((text) => text.startsWith('fair: Running on battery (42 %)'))).toBe(true);
  });
});
