import { describe, expect, it } from 'vitest';
import { parseTurnCredentials } from '../../protocol/ice-servers.ts';
import { turnCredentials } from './turn-credentials.ts';

describe('turnCredentials', () => {
  it('makes the name of their end and its HMAC-SHA-1, as OpenSSL computes it', () => {
    const made = turnCredentials({ secret: 'north', ttl: 3600, now: 1_790_000_000_000 });
    // printf '1790003600:starling' | openssl dgst -sha1 -hmac north -binary | base64
    expect(made).toEqual({
      username: '1790003600:starling',
      credential: 'IgZnJQBnxCFZHgxqhom/zndXgvs=',
      ttl: 3600,
    });
    expect(parseTurnCredentials(made)).toEqual(made);
  });
});
