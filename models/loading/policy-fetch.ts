import { ModelLoadError } from './model-source.ts';

/** The page's content policy does not let it load from this address. */
export class PolicyRefusedError extends ModelLoadError {
  override readonly name = 'PolicyRefusedError';
}

export interface PolicyFetchOptions {
  readonly fetch: typeof globalThis.fetch;
  /** Where the thread tells of what its policy refused: `self` in a worker. */
  readonly violations: Pick<EventTarget, 'addEventListener' | 'removeEventListener'>;
  /** Waits for a violation that is told after the request failed. */
  readonly wait: (milliseconds: number) => Promise<void>;
}

/** How much later than the failure a browser may tell of the violation, in ms. */
const TOLD_WITHIN_MS = 100;

/**
 * A `fetch` that tells an address that the page's content policy refuses (`connect-src`) from one that cannot
 * be reached, which browsers themselves do not. It throws PolicyRefusedError for the former.
 */
export function policyFetch(options: PolicyFetchOptions): typeof globalThis.fetch {
  const { fetch, violations, wait } = options;
  return async (input, init) => {
    let refused = false;
    const listen = (event: Event): void => {
      const { effectiveDirective } = event as Partial<SecurityPolicyViolationEvent>;
      if (effectiveDirective === 'connect-src') refused = true;
    };
    violations.addEventListener('securitypolicyviolation', listen);
    try {
      return await fetch(input, init);
    } catch (error) {
      if (!refused && error instanceof TypeError) await wait(TOLD_WITHIN_MS);
      if (!refused) throw error;
      const { origin } = new URL(input instanceof Request ? input.url : input);
      throw new PolicyRefusedError(
        `this page may not load from ${origin} or from where that leads; use a model of Hugging Face, or download the files yourself and choose their folder, or ask whoever runs the page to add the host to modelHosts in its network.json`,
        { cause: error },
      );
    } finally {
      violations.removeEventListener('securitypolicyviolation', listen);
    }
  };
}
