/** Light, dark or the system's colours. public/theme.js applies a stored choice before the first paint. */
export type Theme = 'system' | 'light' | 'dark';

const KEY = 'starling.theme';

export function nextTheme(theme: Theme): Theme {
  return theme === 'system' ? 'light' : theme === 'light' ? 'dark' : 'system';
}

/** The stored choice; `system` where there is none or storage is blocked. */
export function chosenTheme(): Theme {
  try {
    const stored = localStorage.getItem(KEY);
    return stored === 'light' || stored === 'dark' ? stored : 'system';
  } catch {
    return 'system';
  }
}

/** Shows a theme now and remembers it where storage allows. */
export function applyTheme(theme: Theme): void {
  const root = document.documentElement;
  if (theme === 'system') delete root.dataset.theme;
  else root.dataset.theme = theme;
  try {
    if (theme === 'system') localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, theme);
  } catch {
    // Storage is blocked: the choice lasts until the page closes.
  }
  // Charts draw on a canvas, which no style sheet reaches.
  window.dispatchEvent(new Event('starling:theme'));
}
