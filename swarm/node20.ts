/**
 * Adds `Promise.withResolvers` (ES2024) to Node 20. libp2p 3 calls it, and browsers and Node 22 have it. A
 * process that may run on Node 20 imports this module before anything of libp2p. It does nothing where the
 * function exists.
 */
if (typeof Promise.withResolvers !== 'function') {
  Object.defineProperty(Promise, 'withResolvers', {
    configurable: true,
    writable: true,
    value: function withResolvers<T>(this: PromiseConstructor) {
      const settle: { resolve?: (value: T | PromiseLike<T>) => void; reject?: (reason: unknown) => void } =
        {};
      const promise = new this<T>((resolve, reject) => {
        settle.resolve = resolve;
        settle.reject = reject;
      });
      return { promise, ...settle };
    },
  });
}

export {};
