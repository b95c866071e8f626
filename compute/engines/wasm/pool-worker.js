// One member of the wasm engine's team, in a browser Worker or a Node worker thread. Plain JavaScript, so that Node
// loads it without a transform. It is told the module, the shared memory and its number once, and then lives in `serve`.
const BROKEN = 148 / 4; // assembly/barrier.ts

const threads = globalThis.process?.getBuiltinModule?.('node:worker_threads');
const port = threads?.parentPort ?? globalThis;

async function join({ module, memory, thread, threads: count, order }) {
  const instance = await WebAssembly.instantiate(module, { env: { memory } });
  port.postMessage('ready');
  try {
    instance.exports.serve(thread, count, order);
  } catch (error) {
    Atomics.store(new Int32Array(memory.buffer), BROKEN, 1);
    throw error;
  }
}

if (threads?.parentPort) port.once('message', join);
else globalThis.onmessage = (event) => join(event.data);
