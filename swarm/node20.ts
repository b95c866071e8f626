/**
 * Node 20 lacks `Promise.withResolvers` (ES2024), which libp2p 3 calls; browsers and Node 22 have it. Import this module
 * before anything of libp2p in a process that may run on Node 20. It does nothing where the function exists.
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
