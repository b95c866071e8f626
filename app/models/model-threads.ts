/** The wasm engine gains little beyond this, and the page wants a core for itself. */
const MAX_THREADS = 8;

/** Threads that a model may use here. Threads need a page that is cross-origin isolated. */
export function modelThreads(): number {
  return crossOriginIsolated
    ? Math.max(1, Math.min(MAX_THREADS, (navigator.hardwareConcurrency ?? 1) - 1))
    : 1;
}
