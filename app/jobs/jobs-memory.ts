const KEY = 'starling.desk';

/** What outlives a reload: `auditing`, or `busy` while jobs, claims or disputes of this device are under way. */
export function deskMemory() {
  return {
    auditing: () => read() === 'auditing',
    remember({ auditing, busy }: { readonly auditing: boolean; readonly busy: boolean }): void {
      try {
        if (busy || auditing) localStorage.setItem(KEY, auditing ? 'auditing' : 'busy');
        else localStorage.removeItem(KEY);
      } catch {
        // Storage is blocked: opening the screen of jobs or checks goes on with what was begun.
      }
    },
  };
}

/** Whether the desk has to be opened with the page, because something of this device goes on there. */
export function deskIsWanted(): boolean {
  return read() !== null;
}

function read(): string | null {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}
