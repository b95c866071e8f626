/**
 * Everyone who takes part, made over one adapter each. A peer that does not start is left out with a
 * sentence.
 */
import type { Kit } from './kit.ts';

export interface KitSources {
  /** A new adapter each time: a device may use its adapter up. */
  adapter(): Promise<GPUAdapter>;
  /**
   * Bytes of ort-wasm-simd-threaded.asyncify.wasm; absent where onnxruntime-web's WebGPU provider cannot run.
   */
  ortWasm?(): Promise<Uint8Array>;
  readonly jaxVersion: string;
  note(message: string): void;
}

export async function startKits(sources: KitSources): Promise<Kit[]> {
  const makers: readonly (readonly [string, () => Promise<Kit>])[] = [
    [
      'Starling',
      async () =>
        (await import('./starling.ts')).starlingKit('Starling', await sources.adapter(), sources.note),
    ],
    [
      'Starling, prepacked',
      async () =>
        (await import('./starling.ts')).starlingKit(
          'Starling, prepacked',
          await sources.adapter(),
          sources.note,
        ),
    ],
    [
      'onnxruntime-web',
      async () => {
        if (sources.ortWasm === undefined) throw new Error('its WebGPU provider needs a browser');
        const { onnxruntimeKit } = await import('./onnxruntime.ts');
        return onnxruntimeKit(await wholeDevice(await sources.adapter()), await sources.ortWasm());
      },
    ],
    [
      'TensorFlow.js',
      async () => {
        const { tfjsKit } = await import('./tfjs.ts');
        const adapter = await sources.adapter();
        return tfjsKit(await wholeDevice(adapter), adapter.info);
      },
    ],
    ['jax-js', async () => (await import('./jax.ts')).jaxKit(sources.jaxVersion)],
  ];
  const kits: Kit[] = [];
  for (const [name, make] of makers) {
    try {
      kits.push(await make());
    } catch (error) {
      sources.note(`${name} left out: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return kits;
}

/** A device with all that the adapter has, so that no peer is held back by WebGPU's defaults. */
export async function wholeDevice(adapter: GPUAdapter): Promise<GPUDevice> {
  const requiredLimits: Record<string, number> = {};
  for (const name in adapter.limits) {
    const value: unknown = Reflect.get(adapter.limits, name);
    // Others may not be asked for together on every implementation.
    if (typeof value === 'number' && /^maxCompute|^maxStorageBuffer|^maxBufferSize/.test(name)) {
      requiredLimits[name] = value;
    }
  }
  const wanted: readonly GPUFeatureName[] = ['shader-f16', 'subgroups'];
  return await adapter.requestDevice({
    requiredLimits,
    requiredFeatures: wanted.filter((feature) => adapter.features.has(feature)),
  });
}
