/** A short text that the browser keeps for this page, such as a setting. */
export interface StoredText {
  /** Null where nothing is stored, and where the browser blocks storage. */
  get(): string | null;
  /** Null deletes it. Where the browser blocks storage, nothing is kept and nothing is thrown. */
  set(text: string | null): void;
}

/** `storage` is a function, because asking for a blocked storage already throws. */
export function storedText(storage: () => Storage, key: string): StoredText {
  return {
    get() {
      try {
        return storage().getItem(key);
      } catch {
        return null;
      }
    },
    set(text) {
      try {
        if (text === null) storage().removeItem(key);
        else storage().setItem(key, text);
      } catch {
        // The setting lasts until the page closes.
      }
    },
  };
}
