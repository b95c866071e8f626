/** Opening a GPU: as much of it as the adapter offers, and its name for people. */
import { EngineError } from '../../engine.ts';

/**
 * Requests a device with the adapter's own limits for buffers, because a model's tensors exceed WebGPU's defaults.
 * Throws EngineError when the adapter gives none.
 */
export async function openDevice(adapter: GPUAdapter): Promise<GPUDevice> {
  const { maxBufferSize, maxStorageBufferBindingSize } = adapter.limits;
  try {
    return await adapter.requestDevice({ requiredLimits: { maxBufferSize, maxStorageBufferBindingSize } });
  } catch (cause) {
    throw new EngineError('The GPU gave no device; update the graphics driver or use the wasm engine.', {
      cause,
    });
  }
}

/** What the adapter calls itself, e.g. "google swiftshader"; browsers may blank parts of it. */
export function adapterName(info: GPUAdapterInfo | undefined): string {
  if (info === undefined) return 'unknown adapter';
  const words = [info.vendor, info.architecture, info.description || info.device];
  // Deno gives the vendor as a PCI number, which says nothing to people.
  const named = words.filter((word) => word !== '' && !/^\d+$/.test(word));
  return named.length === 0 ? 'unnamed adapter' : named.join(' ');
}

const SOFTWARE = /swiftshader|llvmpipe|lavapipe|softpipe|microsoft basic render/i;

/** Whether the adapter is a CPU that plays a GPU: right, but slower than the wasm engine. */
export function isSoftwareAdapter(info: GPUAdapterInfo): boolean {
  return (
    info.isFallbackAdapter === true ||
    SOFTWARE.test(`${info.vendor} ${info.architecture} ${info.description} ${info.device}`)
  );
}
