import * as Comlink from 'comlink';
import { afterEach, describe, expect, expectTypeOf, it } from 'vitest';
import { type CallsApi, connectCalls } from './cancellable-calls.ts';
import { type CallsOf, forwardMethods, remoteMethods, serveMethods } from './remote-methods.ts';

interface Calculator {
  add(a: number, b: number): Promise<number>;
  wait(reason: string, signal?: AbortSignal): Promise<void>;
  zero(): Promise<number>;
}

let close = (): void => undefined;
afterEach(() => close());

function connect(service: Calculator, ended?: Promise<never>): Calculator {
  const { port1, port2 } = new MessageChannel();
  close = () => port1.close();
  const api: CallsApi<CallsOf<Calculator>, never> = serveMethods<Calculator, never>(() => service);
  Comlink.expose(api, port1 as unknown as Comlink.Endpoint);
  const endpoint = port2 as unknown as Comlink.Endpoint;
  return remoteMethods<Calculator>(
    connectCalls<CallsOf<Calculator>, never>(endpoint, () => undefined, { ended }),
  );
}

const calculator: Calculator = {
  add: async (a, b) => a + b,
  wait: (_, signal) =>
    new Promise((_resolve, reject) => {
      signal?.addEventListener('abort', () => reject(signal.reason));
    }),
  zero: async () => 0,
};

describe('an interface over calls', () => {
  it('passes arguments by position and returns results', async () => {
    const remote = connect(calculator);
    expect(await remote.add(2, 3)).toBe(5);
    expect(await remote.zero()).toBe(0);
  });

  it('cancels a call by the signal in its last place', async () => {
    const remote = connect(calculator);
    const controller = new AbortController();
    const waiting = remote.wait('for the abort', controller.signal);
    controller.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
  });

  it('gives the method its own signal when the caller passes undefined for one', async () => {
    const given: unknown[] = [];
    const remote = connect({
      ...calculator,
      wait: async (_, signal) => {
        given.push(signal);
      },
    });
    await remote.wait('no signal');
    await remote.wait('undefined', undefined);
    expect(given.every((signal) => signal instanceof AbortSignal)).toBe(true);
  });

  it('is not taken for a promise', async () => {
    const remote = connect(calculator);
    expect(await Promise.resolve(remote)).toBe(remote);
  });

  it('rejects calls in progress when the worker has ended', async () => {
    let end = (_: Error): void => undefined;
    const ended = new Promise<never>((_, reject) => {
      end = reject;
    });
    const remote = connect(calculator, ended);
    const waiting = remote.wait('for ever');
    end(new Error('out of memory'));
    await expect(waiting).rejects.toThrow('out of memory');
    await expect(remote.zero()).rejects.toThrow('out of memory');
  });

  it('forwards to the target of the moment', async () => {
    let target = calculator;
    const forwarded = forwardMethods(() => target, ['add']);
    target = { ...calculator, add: async (a, b) => a * b };
    expect(await forwarded.add(2, 3)).toBe(6);
  });

  it('has the types of the interface, without signals in the arguments', () => {
    expectTypeOf<CallsOf<Calculator>['add']['args']>().toEqualTypeOf<[a: number, b: number]>();
    expectTypeOf<CallsOf<Calculator>['wait']['args']>().toEqualTypeOf<[reason: string]>();
    expectTypeOf<CallsOf<Calculator>['zero']>().toEqualTypeOf<{
      readonly args: [];
      readonly result: number;
    }>();
    expectTypeOf(remoteMethods<Calculator>).returns.toEqualTypeOf<Calculator>();
  });
});
