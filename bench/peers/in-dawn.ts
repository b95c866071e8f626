/**
 * The contest in this process, on Dawn: for machines with a GPU and no browser. onnxruntime-web's provider
 * ends there with a trap, so it is left out.
 */
import { adapterName } from '../../compute/engines/webgpu/device/adapter.ts';
import { openDawnAdapter, SWIFTSHADER_ICD } from '../../compute/engines/webgpu/device/dawn.ts';
import { type ContestResult, contest } from './contest.ts';
import type { ContestMachine, ContestSettings } from './in-chromium.ts';
import { installPeers, jaxVersion } from './install.ts';
import { startKits, wholeDevice } from './kits.ts';
import { measurePeak } from './peak.ts';
import { qwenProducts } from './products.ts';

/** Dawn drops a device when its GPU object is collected, so they are kept. */
const kept: GPU[] = [];

/** The machine first, then a result a product. Throws when there is no GPU. */
export async function* contestInDawn(
  options: ContestSettings,
): AsyncIterable<ContestMachine | ContestResult> {
  await installPeers(options.note);
  const { gpu, adapter: own } = await openDawnAdapter(
    options.software ? { vulkanDriver: SWIFTSHADER_ICD } : {},
  );
  kept.push(gpu);
  // jax-js looks for the browser's object; Node 20 has none, later ones have one without a GPU.
  Object.defineProperty(globalThis, 'navigator', {
    value: { gpu, userAgent: 'Dawn', platform: 'Linux', maxTouchPoints: 0 },
    configurable: true,
  });
  const device = await wholeDevice(own);
  const peak = await measurePeak({ device, workgroups: options.size === 'full' ? 4096 : 16 });
  device.destroy();
  yield { device: adapterName(own.info), peak };
  const kits = await startKits({
    async adapter() {
      const found = await gpu.requestAdapter();
      if (found === null) throw new Error('Dawn found no GPU adapter');
      return found;
    },
    jaxVersion: await jaxVersion(),
    note: options.note,
  });
  const { rounds, turnMs } = options;
  const products = qwenProducts(options.size).filter(({ name }) => name.includes(options.only));
  for await (const result of contest({ products, kits, rounds, turnMs })) {
    options.signal.throwIfAborted();
    yield result;
  }
}
