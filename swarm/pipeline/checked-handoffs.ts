/** Remembers signatures that were found right. */
import type { Handoff } from '../../protocol/handoff.ts';
import { BoundedMap } from '../bounded-map.ts';

/** Right signatures that are remembered: more than the updates of a hundred blocks with three keepers. */
const REMEMBERED = 512;
/** Characters of the longest handoff that is remembered, so that all take 8 MB at most. */
const MOST_CHARACTERS = 16_384;

/**
 * Checks handoffs as `isSigned` does. A device that comes in hears the same signed updates from every member
 * once a second, and a signature takes more than a millisecond in a page. What is remembered is the whole
 * handoff. What was found wrong is checked again, so that nobody can push right ones out with false ones.
 */
export function checkedHandoffs(isSigned: (handoff: Handoff) => boolean): (handoff: Handoff) => boolean {
  const known = new BoundedMap<string, true>(REMEMBERED);
  return (handoff) => {
    // All fields, also those that a handoff may get one day.
    const key = JSON.stringify(handoff);
    if (known.has(key)) return true;
    if (!isSigned(handoff)) return false;
    if (key.length <= MOST_CHARACTERS) known.set(key, true);
    return true;
  };
}
