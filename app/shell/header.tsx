import { Monitor, Moon, Sun } from 'lucide-react';
import { useState } from 'react';
import { Mark } from '../ui/mark.tsx';
import { useView } from '../volunteer/volunteer-context.tsx';
import type { Route } from './route.ts';
import { applyTheme, chosenTheme, nextTheme, type Theme } from './theme.ts';

const THEME_ICON = { system: Monitor, light: Sun, dark: Moon } as const;

const SCREENS = [
  { screen: 'contribute', name: 'Contribute', to: '#/' },
  { screen: 'swarms', name: 'Swarms', to: '#/swarms' },
  { screen: 'jobs', name: 'Jobs', to: '#/jobs' },
  { screen: 'checks', name: 'Checks', to: '#/checks' },
  { screen: 'models', name: 'Models', to: '#/models' },
] as const satisfies readonly {
  readonly screen: Route['screen'];
  readonly name: string;
  readonly to: string;
}[];

/** A swarm's own page belongs to the list of swarms. */
function isAt(listed: Route['screen'], shown: Route['screen']): boolean {
  return listed === shown || (listed === 'swarms' && shown === 'swarm');
}

export function Header({ screen }: { readonly screen: Route['screen'] }) {
  const network = useView((view) => view.network);
  const [theme, setTheme] = useState<Theme>(chosenTheme);
  const Icon = THEME_ICON[theme];
  const change = () => {
    const next = nextTheme(theme);
    applyTheme(next);
    setTheme(next);
  };
  return (
    <header className="flex flex-wrap items-center justify-between gap-x-4 py-5">
      <div className="flex items-center gap-2.5">
        <Mark className="size-9 text-accent" />
        <span className="text-title font-semibold tracking-tight">Starling</span>
      </div>
      <nav aria-label="Screens" className="order-3 -mx-1.5 flex w-full sm:order-none sm:mx-0 sm:w-auto">
        {SCREENS.map((each) => (
          <a
            key={each.screen}
            href={each.to}
            data-testid={`screen-${each.screen}`}
            aria-current={isAt(each.screen, screen) ? 'page' : undefined}
            className="inline-flex min-h-11 items-center px-1.5 text-body sm:px-3 text-quiet hover:text-ink aria-[current]:font-medium aria-[current]:text-ink aria-[current]:underline aria-[current]:decoration-accent aria-[current]:decoration-2 aria-[current]:underline-offset-8"
          >
            {each.name}
          </a>
        ))}
      </nav>
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
