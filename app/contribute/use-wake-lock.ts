import { useEffect } from 'react';

/**
 * Keeps the screen on while `wanted`, where the browser can (Screen Wake Lock). The browser lets go whenever the tab is
 * hidden, so it is asked again when the tab is back. https://www.w3.org/TR/screen-wake-lock/
 */
export function useWakeLock(wanted: boolean): void {
  useEffect(() => {
    if (!wanted || !('wakeLock' in navigator)) return;
    let ended = false;
    let held: WakeLockSentinel | null = null;
    const ask = async () => {
      if (document.visibilityState !== 'visible') return;
      try {
        held = await navigator.wakeLock.request('screen');
        if (ended) await held.release();
      } catch {
        // Refused, on low battery for one: the screen goes off as it always did.
      }
    };
    void ask();
    document.addEventListener('visibilitychange', ask);
    return () => {
      ended = true;
      document.removeEventListener('visibilitychange', ask);
      held?.release().catch(() => undefined);
    };
  }, [wanted]);
}
