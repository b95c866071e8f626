/** The wasm engine gains little beyond this, and the page wants a core for itself. */
const MAX_THREADS = 8;

/** Threads of the wasm engine on this device. */
export function threadsHere(): number {
  const cores = navigator.hardwareConcurrency ?? 1;
  return crossOriginIsolated ? Math.max(1, Math.min(MAX_THREADS, cores - 1)) : 1;
}
