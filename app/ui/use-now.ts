import { useEffect, useState } from 'react';

/** The current time in Unix milliseconds, renewed every `period` milliseconds while `running`. */
export function useNow(period: number, running: boolean): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    if (!running) return;
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), period);
    return () => clearInterval(timer);
  }, [period, running]);
  return now;
}
