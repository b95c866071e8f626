/** Content could not be published or fetched. The message says why and what to try. */
export class ContentError extends Error {
  override readonly name = 'ContentError';
}
