/** Between two turns of the event loop, in milliseconds: what a person does not notice. */
const LONGEST_MS = 16;

/**
 * Makes a function to await in loops of short work: often enough it lets messages from other threads in, a cancel above all, which
 * promises alone never do.
 */
export function messageTurns(now: () => number): () => Promise<void> {
  let last = now();
  return async () => {
    if (now() - last < LONGEST_MS) return;
    // A timer would be held up for 4 ms, or a second in a hidden tab.
    const { port1, port2 } = new MessageChannel();
    await new Promise<void>((resolve) => {
      port1.onmessage = () => resolve();
      port2.postMessage(null);
    });
    port1.close();
    last = now();
  };
}
