/**
 * Trusted Types (W3C): under the page's policy a browser takes text as the address of a script only through a
 * policy, and never as HTML or as a script itself. Every thread that starts a worker calls this first.
 */

/** A script was asked for that is not one of this origin. */
export class UntrustedScriptError extends Error {
  override readonly name = 'UntrustedScriptError';
}

/** What this file uses of `trustedTypes`, which some browsers lack. */
interface TrustedTypePolicies {
  createPolicy(name: string, rules: { readonly createScriptURL: (url: string) => string }): unknown;
}

/**
 * Lets this thread start workers, and the page its service worker, from addresses of its own origin.
 * Everything else that would run text as a script stays refused. Does nothing where the browser has no
 * trusted types.
 */
export function trustOwnScripts(policies: TrustedTypePolicies | undefined = ofThisThread()): void {
  policies?.createPolicy('default', { createScriptURL: (url) => ownScript(url) });
}

function ofThisThread(): TrustedTypePolicies | undefined {
  const scope: typeof globalThis & { readonly trustedTypes?: TrustedTypePolicies } = globalThis;
  return scope.trustedTypes;
}

/** The address itself when it lies at this origin. Throws UntrustedScriptError. */
export function ownScript(url: string, base: string = location.href): string {
  const { origin } = new URL(base);
  if (new URL(url, base).origin === origin) return url;
  throw new UntrustedScriptError(`${url} is no script of this page. Load the page again.`);
}
