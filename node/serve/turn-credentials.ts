import { createHmac } from 'node:crypto';
import type { TurnCredentials } from '../../protocol/ice-servers.ts';

export interface TurnCredentialsOptions {
  /** `static-auth-secret` of coturn. */
  readonly secret: string;
  /** Seconds that they hold. */
  readonly ttl: number;
  /** Unix milliseconds. */
  readonly now: number;
}

/**
 * A user name and a password that coturn accepts with `use-auth-secret` until they expire: the name is the
 * time of that, the password its HMAC-SHA-1 under the shared secret in base 64. They name nobody.
 * Source: draft-uberti-behave-turn-rest-00, section 2.2.
 */
export function turnCredentials({ secret, ttl, now }: TurnCredentialsOptions): TurnCredentials {
  const username = `${Math.floor(now / 1000) + ttl}:starling`;
  const credential = createHmac('sha1', secret).update(username).digest('base64');
  return { username, credential, ttl };
}
