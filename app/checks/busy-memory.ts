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

/** Whether something of this device is under way in jobs or checks, so that both open with the page. */
export function isBusyRemembered(text: StoredText = stored): boolean {
  return text.get() !== null;
}
