/**
 * Carries an interface of methods over cancellable calls, so that the interface is written down once.
 * Arguments are passed by position. A method may take an AbortSignal as its last parameter. No other
 * parameter may be optional, since the worker's side adds the signal after the arguments it received.
 */
import {
  type Call,
  type CallMethods,
  type CallsApi,
  type ServiceContext,
  serveCalls,
} from './cancellable-calls.ts';

type Method = (...args: never[]) => unknown;
type Methods<Interface> = { readonly [M in keyof Interface]: Method };
type UntypedMethod = (...args: readonly unknown[]) => unknown;

/** A method's parameters without the final AbortSignal, which cannot cross threads. */
export type CloneableArgs<F extends Method> =
  Required<Parameters<F>> extends [...infer Args, AbortSignal] ? Args : Parameters<F>;

/** The calls that carry an interface of methods. */
export type CallsOf<Interface extends Methods<Interface>> = {
  readonly [M in keyof Interface]: {
    readonly args: CloneableArgs<Interface[M]>;
    readonly result: Awaited<ReturnType<Interface[M]>>;
  };
};

/**
 * The caller's side: an object whose methods make the calls. A final AbortSignal argument cancels its call.
 */
export function remoteMethods<Interface extends Methods<Interface>>(
  call: Call<CallsOf<Interface>>,
): Interface {
  const method =
    (name: keyof Interface & string) =>
    (...passed: readonly unknown[]): unknown => {
      const last = passed.at(-1);
      const signal = last instanceof AbortSignal ? last : undefined;
      // The worker's side adds a signal to the arguments, so an optional one that was left out is dropped as
      // well.
      const args = signal !== undefined || last === undefined ? passed.slice(0, -1) : passed;
      return call(name, args as CloneableArgs<Interface[typeof name]>, signal);
    };
  return new Proxy({} as Interface, {
    get(_, name) {
      // An object with a method `then` would be taken for a promise.
      return typeof name === 'string' && name !== 'then'
        ? method(name as keyof Interface & string)
        : undefined;
    },
  });
}

/** The worker's side: serves the methods of an object. Each gets its call's signal as the last argument. */
export function serveMethods<Interface extends Methods<Interface>, Event>(
  makeService: (context: ServiceContext<Event>) => Interface,
): CallsApi<CallsOf<Interface>, Event> {
  return serveCalls<CallsOf<Interface>, Event>((context) => {
    const service = makeService(context);
    const methods = Object.entries<Method>(service).map(([name, method]) => [
      name,
      (args: readonly unknown[], signal: AbortSignal) =>
        (method as UntypedMethod).call(service, ...args, signal),
    ]);
    return Object.fromEntries(methods) as CallMethods<CallsOf<Interface>>;
  });
}

/** The named methods of whatever `target` returns at the time of each call. */
export function forwardMethods<Target extends Pick<Methods<Target>, M>, M extends keyof Target & string>(
  target: () => Target,
  names: readonly M[],
): Pick<Target, M> {
  const methods = names.map((name) => {
    const forward: UntypedMethod = async (...args) => {
      const object = target();
      return (object[name] as unknown as UntypedMethod).call(object, ...args);
    };
    return [name, forward] as const;
  });
  return Object.fromEntries(methods) as unknown as Pick<Target, M>;
}
