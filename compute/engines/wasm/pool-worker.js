// One thread of the wasm engine's pool, in a browser Worker or a Node worker thread. Plain JavaScript, so
// that Node loads it without a transform. Its first message names the module, the shared memory and its
// number; from then on it runs `serve`.
const BROKEN = 148 / 4; // as in assembly/control.ts

const workerThreads = globalThis.process?.getBuiltinModule?.('node:worker_threads');
const port = workerThreads?.parentPort ?? globalThis;

async function start({ module, memory, thread, threads, seen }) {
  const instance = await WebAssembly.instantiate(module, { env: { memory } });
  port.postMessage('ready');
  try {
    instance.exports.serve(thread, threads, seen);
  } catch (error) {
    Atomics.store(new Int32Array(memory.buffer), BROKEN, 1);
    throw error;
  }
}

if (workerThreads?.parentPort) port.once('message', start);
else globalThis.onmessage = (event) => start(event.data);
