/** Opens a GPU with the limits that its adapter offers, and names it for people. */
import { EngineError } from '../../engine.ts';

/**
 * Requests a device with the adapter's own limits for buffers, because a model's tensors exceed WebGPU's
 * default limits. Rejects with EngineError if the adapter gives no device.
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

/** The adapter's name for itself, for example "google swiftshader". Browsers may leave parts of it empty. */
export function adapterName(info: GPUAdapterInfo | undefined): string {
  if (info === undefined) return 'unknown adapter';
  const words = [info.vendor, info.architecture, info.description || info.device];
  // Deno gives the vendor as a PCI number, which tells people nothing.
  const named = words.filter((word) => word !== '' && !/^\d+$/.test(word));
  return named.length === 0 ? 'unnamed adapter' : named.join(' ');
}

const SOFTWARE = /swiftshader|llvmpipe|lavapipe|softpipe|microsoft basic render/i;

/**
 * Whether the adapter is a software GPU. Its results are right, but the wasm engine is faster on the same
 * CPU.
 */
export function isSoftwareAdapter(info: GPUAdapterInfo): boolean {
  return (
    info.isFallbackAdapter === true ||
    SOFTWARE.test(`${info.vendor} ${info.architecture} ${info.description} ${info.device}`)
  );
}
