import type { ButtonHTMLAttributes } from 'react';

const SHAPE =
  'inline-flex items-center justify-center gap-2 rounded-full font-medium motion-safe:transition-colors disabled:opacity-50 select-none';

const LOOK = {
  primary: `${SHAPE} min-h-13 px-8 text-lead bg-accent text-on-accent hover:bg-accent-strong`,
  main: `${SHAPE} min-h-11 px-6 text-body bg-accent text-on-accent hover:bg-accent-strong`,
  plain: `${SHAPE} min-h-11 px-5 text-body border border-line-strong/60 text-ink hover:bg-sunken`,
  small: `${SHAPE} min-h-9 px-4 text-note border border-line-strong/60 text-ink hover:bg-sunken`,
  text: 'inline-flex items-center gap-1.5 min-h-9 text-note font-medium text-accent underline decoration-line-strong/60 underline-offset-4 hover:decoration-current',
} as const;

export interface ButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  readonly look?: keyof typeof LOOK;
}

/** The page's one kind of button, in five degrees of importance. */
export function Button({ look = 'plain', className = '', type = 'button', ...rest }: ButtonProps) {
  return <button type={type} className={`${LOOK[look]} ${className}`} {...rest} />;
}
