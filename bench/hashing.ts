/** Merkle roots of tensors: this engine's hashing against @noble/hashes and WebCrypto on the same bytes. */

import type { Engine } from '../compute/engines/engine.ts';
import type { HashingEngine } from '../compute/engines/hashing.ts';
import { createWasmEngine } from '../compute/engines/wasm/engine.ts';
import { tensorRoot } from '../models/checkpoint/root.ts';
import { LEAF_BYTES, merkleRoot } from '../protocol/merkle.ts';
import { type Benchmark, compared } from './benchmark.ts';
import { gpuEngine } from './gpu.ts';
import { interleave } from './interleave.ts';

const MEBIBYTES = 8;
const COUNT = (MEBIBYTES * 2 ** 20) / 4;

export const hashing: Benchmark = {
  name: 'hashing',
  async *run(context) {
    const engines: { name: string; engine: HashingEngine }[] = [
      { name: 'wasm-1', engine: await createWasmEngine({ threads: 1 }) },
      { name: 'wasm-2', engine: await createWasmEngine({ threads: 2 }) },
    ];
    const gpu = await gpuEngine(context);
    if (gpu !== undefined) engines.push(gpu);
    const data = Float32Array.from({ length: COUNT }, (_, i) => Math.fround(Math.sin(i)));
    const bytes = new Uint8Array(data.buffer);
    const contestants = [
      { name: 'noble', run: async () => void tensorRoot(bytes) },
      { name: 'webcrypto', run: async () => void (await rootByWebCrypto(bytes)) },
      ...engines.map(({ name, engine }) => {
        const tensor = loaded(engine, data);
        return { name, run: async () => void (await engine.hash([tensor])) };
      }),
    ];
    try {
      const times = await interleave(contestants, { rounds: 3, signal: context.signal });
      const rate = (ms: number | undefined): number => (MEBIBYTES * 2 ** 20) / (ms ?? Number.NaN) / 1e3;
      yield compared('hashing/noble', 'MB/s', rate(times[0]));
      const peer = { name: 'WebCrypto, a digest a leaf', value: rate(times[1]) };
      for (const [i, { name }] of engines.entries()) {
        yield compared(`hashing/${name}`, 'MB/s', rate(times[i + 2]), peer);
      }
    } finally {
      for (const { engine } of engines) await engine.stop();
    }
  },
};

function loaded(engine: Engine, data: Float32Array) {
  const tensor = engine.allocate([data.length], 'f32');
  engine.write(tensor, data);
  return tensor;
}

async function rootByWebCrypto(bytes: Uint8Array): Promise<Uint8Array> {
  const leaves: Promise<ArrayBuffer>[] = [];
  for (let at = 0; at < bytes.length; at += LEAF_BYTES) {
    const leaf = new Uint8Array(1 + Math.min(LEAF_BYTES, bytes.length - at));
    leaf.set(bytes.subarray(at, at + LEAF_BYTES), 1);
    leaves.push(crypto.subtle.digest('SHA-256', leaf));
  }
  return merkleRoot((await Promise.all(leaves)).map((hash) => new Uint8Array(hash)));
}
