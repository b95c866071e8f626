import { type StoredText, storedText } from '../ui/stored-text.ts';

const stored = storedText(() => localStorage, 'starling.desk');

/**
 * What outlives a reload: `auditing`, or `busy` while jobs, claims or disputes of this device are under way.
 * Where storage is blocked, they go on when the screen of jobs or checks is opened.
 */
export function busyMemory(text: StoredText = stored) {
  return {
    auditing: () => text.get() === 'auditing',
    remember({ auditing, busy }: { readonly auditing: boolean; readonly busy: boolean }): void {
      text.set(auditing ? 'auditing' : busy ? 'busy' : null);
    },
  };
}

/**
 * Whether jobs and checks have to be opened with the page, because something of this device is under way
 * there.
 */
export function isBusyRemembered(text: StoredText = stored): boolean {
  return text.get() !== null;
}
