/** Headers that make a document, and the workers that it starts, cross-origin isolated. */
const ISOLATING: Readonly<Record<string, string>> = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};

/**
 * The response with the headers that isolate a page, for hosts that cannot send them. A redirect or a failure
 * stays as it is: it has no headers that could be changed. Source: https://web.dev/articles/coop-coep.
 */
export function isolate(response: Response): Response {
  if (response.status === 0) return response;
  const headers = new Headers(response.headers);
  for (const [name, value] of Object.entries(ISOLATING)) headers.set(name, value);
  const { status, statusText } = response;
  // A status of no content comes without a body.
  return new Response(response.body, { status, statusText, headers });
}
