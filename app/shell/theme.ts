import { storedText } from '../ui/stored-text.ts';

/** Light, dark or the system's colours. public/theme.js applies a stored choice before the first paint. */
export type Theme = 'system' | 'light' | 'dark';

/** public/theme.js reads the same key. */
const stored = storedText(() => localStorage, 'starling.theme');

export function nextTheme(theme: Theme): Theme {
  return theme === 'system' ? 'light' : theme === 'light' ? 'dark' : 'system';
}

/** The stored choice. Defaults to `system`. */
export function chosenTheme(): Theme {
  const theme = stored.get();
  return theme === 'light' || theme === 'dark' ? theme : 'system';
}

/** Shows a theme now, and remembers it where the browser allows that. */
export function applyTheme(theme: Theme): void {
  const root = document.documentElement;
  if (theme === 'system') delete root.dataset.theme;
  else root.dataset.theme = theme;
  stored.set(theme === 'system' ? null : theme);
  // A style sheet does not reach the canvas of a chart, so the charts listen to this event.
  window.dispatchEvent(new Event('starling:theme'));
}
