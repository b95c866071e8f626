import { expect, test, vi } from 'vitest';
import { WASM_THREADS_BASE64 } from '../../generated/wasm.ts';
import { EngineError } from '../engine.ts';
import { Opcode } from './assembly/opcodes.ts';
import { type Kernels, startThreadPool } from './thread-pool.ts';

const PAGES = 2;
const STEP = 65536;
const OFFSETS = STEP + 256;

/** A pool of two threads whose only step adds `length` f32 at `address` to themselves. */
async function poolWithStep(address: number, length: number) {
  const memory = new WebAssembly.Memory({ initial: PAGES, maximum: 65536, shared: true });
  const module = await WebAssembly.compile(Buffer.from(WASM_THREADS_BASE64, 'base64'));
  const instance = await WebAssembly.instantiate(module, { env: { memory } });
  const code = new Int32Array(memory.buffer);
  code.set([Opcode.Add, address, address, address, length], STEP / 4);
  code[OFFSETS / 4] = STEP;
  const steps = instance.exports.steps as Kernels['steps'];
  return { memory, pool: await startThreadPool({ steps }, module, memory, 2) };
}

test('both threads compute, list after list', async () => {
  const address = STEP + 1024;
  const { memory, pool } = await poolWithStep(address, 1000);
  const values = new Float32Array(memory.buffer, address, 1000).fill(1);
  for (let i = 0; i < 10; i++) expect(pool.run(OFFSETS, 0, 1)).toBe(-1);
  expect(values.every((value) => value === 1024)).toBe(true);
  pool.stop();
});

test('a trap in a thread ends this run and all later ones, with the remedy', async () => {
  const { pool } = await poolWithStep(PAGES * 65536 - 16, 8);
  expect(() => pool.run(OFFSETS, 0, 1)).toThrow(EngineError);
  expect(() => pool.run(OFFSETS, 0, 1)).toThrow('start the engine again');
  pool.stop();
});

test('a trap is seen by a caller that may not block', async () => {
  const wait = vi.spyOn(Atomics, 'wait').mockImplementation(() => {
    throw new TypeError('Atomics.wait cannot be called in this context');
  });
  const { pool } = await poolWithStep(PAGES * 65536 - 16, 8);
  wait.mockRestore();
  await expect(async () => pool.run(OFFSETS, 0, 1)).rejects.toThrow('start the engine again');
  pool.stop();
});
