/** Milliseconds between two yields. A person does not notice this delay. */
const INTERVAL_MS = 16;

/**
 * Makes a function to await in loops of short work. It lets messages from other threads in, above all a
 * cancellation, which awaiting promises alone never does. It yields only when the last yield is long enough
 * ago.
 */
export function messageYielder(now: () => number): () => Promise<void> {
  let last = now();
  return async () => {
    if (now() - last < INTERVAL_MS) return;
    // Not a timer: browsers delay timers by 4 ms, and by a second in a hidden tab.
    const { port1, port2 } = new MessageChannel();
    await new Promise<void>((resolve) => {
      port1.onmessage = () => resolve();
      port2.postMessage(null);
    });
    port1.close();
    last = now();
  };
}
