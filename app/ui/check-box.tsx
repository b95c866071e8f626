import type { ReactNode } from 'react';

interface CheckBoxProps {
  readonly testId: string;
  readonly checked: boolean;
  readonly disabled?: boolean;
  readonly onChange: (checked: boolean) => void;
  readonly children: ReactNode;
  /** Size and colour of the text. */
  readonly className?: string;
}

export function CheckBox(props: CheckBoxProps) {
  const { testId, checked, disabled = false, onChange, children, className = 'text-note' } = props;
  return (
    <label className={`flex min-h-9 items-center gap-2.5 ${className} ${disabled ? 'opacity-60' : ''}`}>
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
