import { Monitor, Moon, Sun } from 'lucide-react';
import { useState } from 'react';
import { Mark } from './mark.tsx';
import { applyTheme, chosenTheme, nextTheme, type Theme } from './theme.ts';
import { useView } from './volunteer-context.tsx';

const THEME_ICON = { system: Monitor, light: Sun, dark: Moon } as const;

export function Header() {
  const network = useView((view) => view.network);
  const [theme, setTheme] = useState<Theme>(chosenTheme);
  const Icon = THEME_ICON[theme];
  const change = () => {
    const next = nextTheme(theme);
    applyTheme(next);
    setTheme(next);
  };
  return (
    <header className="flex items-center justify-between gap-4 py-5">
      <div className="flex items-center gap-2.5">
        <Mark className="size-9 text-accent" />
        <span className="text-title font-semibold tracking-tight">Starling</span>
      </div>
      <div className="flex items-center gap-3">
        {network === null ? null : (
          <p className="flex items-center gap-2 text-note text-quiet" data-testid="network">
            <span
              aria-hidden="true"
              className={`size-2 rounded-full ${network.reachable ? 'bg-accent' : 'bg-warn'}`}
            />
            {network.name}
            {network.reachable ? '' : ', out of reach'}
          </p>
        )}
        <button
          type="button"
          onClick={change}
          data-testid="theme"
          aria-label={`Colours: ${theme}. Change to ${nextTheme(theme)}.`}
          title={`Colours: ${theme}`}
          className="grid size-11 place-items-center rounded-full text-quiet hover:bg-sunken hover:text-ink"
        >
          <Icon size={18} aria-hidden="true" />
        </button>
      </div>
    </header>
  );
}
