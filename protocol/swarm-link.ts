/** Names a swarm in a link that a stranger can open: the chain's id and the swarm's number there. */

export interface SwarmName {
  /** Undefined where only a number was given. */
  readonly chainId: number | undefined;
  /** Number in the contract Swarms. */
  readonly swarm: number;
  /** The page that the link leads to, without what follows the #. Undefined where only the end was given. */
  readonly page: string | undefined;
}

/** The text names no swarm. */
export class SwarmLinkError extends Error {
  override readonly name = 'SwarmLinkError';
}

/** `#/swarm/<chain id>/<number>`, below the page's address where one is given. */
export function swarmLink(chainId: number, swarm: number, page = ''): string {
  return `${page}#/swarm/${chainId}/${swarm}`;
}

/**
 * Reads a number such as `3`, or a link with or without the page's address. Throws SwarmLinkError for
 * anything else.
 */
export function parseSwarmName(text: string): SwarmName {
  if (/^\d{1,15}$/.test(text)) return { chainId: undefined, swarm: Number(text), page: undefined };
  const [, page = '', chainId, swarm] = /^([^#\s]{0,400})#\/swarm\/(\d{1,15})\/(\d{1,15})$/.exec(text) ?? [];
  const usable = page === '' || (URL.canParse(page) && /^https?:/.test(page));
  if (chainId === undefined || swarm === undefined || !usable) {
    throw new SwarmLinkError(
      `"${text.slice(0, 80)}" names no swarm. Give its number, or a link that ends in #/swarm/<chain>/<number>.`,
    );
  }
  return { chainId: Number(chainId), swarm: Number(swarm), page: page === '' ? undefined : page };
}
