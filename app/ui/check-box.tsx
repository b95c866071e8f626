import type { ReactNode } from 'react';

interface CheckBoxProps {
  readonly testId: string;
  readonly checked: boolean;
  readonly disabled?: boolean;
  readonly onChange: (checked: boolean) => void;
  readonly children: ReactNode;
}

export function CheckBox({ testId, checked, disabled = false, onChange, children }: CheckBoxProps) {
  return (
    <label className={`flex min-h-9 items-center gap-2.5 text-note ${disabled ? 'opacity-60' : ''}`}>
      <input
        type="checkbox"
        className="size-4 shrink-0 accent-accent"
        data-testid={testId}
        checked={checked}
        disabled={disabled}
        onChange={(event) => onChange(event.target.checked)}
      />
      <span>{children}</span>
    </label>
  );
}
