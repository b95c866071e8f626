/** What a browser may know of its memory. Only Chromium does, and only in an isolated page. */
export interface MemoryMeter {
  measureUserAgentSpecificMemory?(): Promise<{ readonly bytes: number }>;
}

/**
 * Measures the bytes of memory of this page and its workers, WebAssembly's included
 * (https://wicg.github.io/performance-measure-memory). Resolves with null where the browser cannot, and never
 * rejects. The browser may wait until it collects garbage. Calls meanwhile share one answer.
 */
export function tabMemory(meter: MemoryMeter = performance as MemoryMeter): () => Promise<number | null> {
  let measuring: Promise<number | null> | null = null;
  const measure = async (): Promise<number | null> => {
    try {
      return (await meter.measureUserAgentSpecificMemory?.())?.bytes ?? null;
    } catch {
      // The page is not isolated.
      return null;
    }
  };
  return () => {
    measuring ??= measure().finally(() => {
      measuring = null;
    });
    return measuring;
  };
}
