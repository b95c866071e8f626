import { useEffect } from 'react';

/**
 * Keeps the screen on while `wanted`, where the browser can. The browser releases the lock whenever the tab
 * is hidden, so the hook asks again when the tab is visible. https://www.w3.org/TR/screen-wake-lock/
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
        // The browser refused, for example on low battery. The screen turns off as usual.
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
