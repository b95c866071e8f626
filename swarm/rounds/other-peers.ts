/** A number of other peers in words, for status sentences. */
export function otherPeers(count: number): string {
  return count === 1 ? 'one other peer' : `${count} other peers`;
}
